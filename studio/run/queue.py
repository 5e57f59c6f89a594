"""The queue: a thread that gives waiting runs in their order what is free, and sees to the end of runs."""

from __future__ import annotations

import fcntl
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import IO

from studio.errors import StudioError
from studio.home import Home
from studio.run.devices import Devices, begins_now, devices
from studio.run.directory import Run, Status, list_runs
from studio.run.escalation import Escalation
from studio.run.last_words import give_up, speak_for
from studio.run.launchers import Gone, Launcher
from studio.run.order import in_order
from studio.run.owner import read_owner
from studio.run.statuses import Statuses

TICK = 0.5  # seconds between looks; `poke` ends a wait early
UNCLAIMED = 900.0  # seconds that a trainer may take to begin: its imports come from a slow disk, say
UNWANTED = 20.0  # and that it has where its run was meanwhile asked to end
AGAIN = 30.0  # seconds until a run is tried again of which not even its failure could be written


class Queue:
    """Starts waiting runs as long as this process holds the home's lock: one at a time on each device.

    All its knowledge is read from the run directories at each look, so it can be killed and started again at any time;
    who holds which device stands in the `process.json` of the runs in progress. `before_run` is called just before a
    run begins, to make room for it. With `spare`, the launcher is kept warm while nothing waits. `look_for` says what
    there is to train on.
    """

    def __init__(
        self,
        home: Home,
        launcher: Launcher,
        before_run: Callable[[], None] = lambda: None,
        spare: bool = True,
        look_for: Callable[[], Devices] = devices,
    ) -> None:
        self._home = home
        self._launcher = launcher
        self._before_run = before_run
        self._spare = spare
        self._look_for = look_for
        self._devices: Devices = ()
        self._statuses = Statuses()
        self._escalation = Escalation()
        self._poked = threading.Event()
        self._closed = threading.Event()
        self._lock: IO[bytes] | None = None
        self._put_off: dict[Run, float] = {}
        self._unclaimed: dict[Run, float] = {}
        self._said = ""
        self._thread = threading.Thread(target=self._loop, name="queue", daemon=True)

    def start(self) -> None:
        """Begin to look after the home's runs."""
        self._thread.start()

    def poke(self) -> None:
        """Look now: there is a new run, or another order."""
        self._poked.set()

    def in_charge(self) -> bool:
        """Whether this process is the one that starts runs. Else another one of this home does, and this one watches
        and takes over when that is gone."""
        return self._lock is not None

    def close(self) -> None:
        """Start no more runs. Those in progress go on where their launcher lets them."""
        self._closed.set()
        self._poked.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._launcher.close()
        if self._lock is not None:
            self._lock.close()

    def _loop(self) -> None:
        while not self._closed.is_set():
            try:
                if self._holds_lock():
                    self._look()
                self._said = ""
            except Exception:  # a folder removed between two looks, say: the next look starts afresh
                self._complain()
            if not self._closed.is_set():  # else the poke that comes with closing may be used up already
                self._poked.wait(TICK)
            self._poked.clear()
        if self.in_charge():
            self._speak_for_the_dead()

    def _look(self) -> None:
        begun = self._launcher.busy()
        self._speak_for_the_dead()  # of those that ended later the next look hears; they are among the begun
        self._devices = self._devices or self._look_for()
        runs = self._statuses.look(list_runs(self._home))
        leaving = self._escalation.look(runs)
        waiting = [
            run for run, status in runs if status is Status.WAITING and run not in begun and self._may_begin(run)
        ]
        self._end_what_never_begins(begun)
        held = self._held({run for run, status in runs if status.active} | leaving, begun.values())
        free = [device for device in self._devices if device not in held]
        due = begins_now(self._needs(waiting), free, len(self._devices))
        for run, given in due:
            if not self._closed.is_set():
                self._begin(run, given)
        if self._spare and free and not waiting:
            self._launcher.warm(tuple(free[:1]))

    def _held(self, runs: set[Run], begun: Iterable[Devices]) -> set[str]:
        """The devices of the runs that are being done. One that does not say which is taken to have all."""
        given = [*begun, *((owner.devices or ()) for run in runs if (owner := read_owner(run.owner_path)))]
        return {device for each in given for device in (each or self._devices)}

    def _needs(self, waiting: list[Run]) -> Iterator[tuple[Run, int]]:
        """The waiting runs in their order, each with the devices that it needs."""
        for run in in_order(self._home, waiting):
            try:
                yield run, run.recipe.launch.processes
            except StudioError:  # the trainer says what is wrong with its recipe
                yield run, 1

    def _end_what_never_begins(self, begun: Iterable[Run]) -> None:
        """A trainer that hangs before it claims its run, in an import that touches a dead driver, say."""
        now = time.monotonic()
        self._unclaimed = {run: self._unclaimed.get(run, now) for run in begun if not run.owner_path.exists()}
        for run, since in self._unclaimed.items():
            if now - since > (UNWANTED if run.asked_to_stop() else UNCLAIMED):
                self._launcher.end(run)

    def _begin(self, run: Run, given: Devices) -> None:
        self._before_run()
        try:
            self._launcher.start(run, given)
        except Exception:  # no memory for a child, say: this run fails, the next one has its turn
            traceback.print_exc()
            self._speak_for(Gone(run), claimed=False)

    def _speak_for_the_dead(self) -> None:
        for gone in self._launcher.ended():
            self._speak_for(gone, gone.claimed())

    def _speak_for(self, gone: Gone, claimed: bool) -> None:
        try:
            if claimed:
                speak_for(gone.run, gone.status)
            else:
                give_up(gone.run, gone.status)
        except OSError:  # the home is read-only or full, say
            traceback.print_exc()
            self._put_off[gone.run] = time.monotonic() + AGAIN

    def _may_begin(self, run: Run) -> bool:
        """Not right after it could not even be said that it failed: it would be tried for ever, without a pause."""
        return time.monotonic() >= self._put_off.get(run, 0.0)

    def _complain(self) -> None:
        """Print an error, once where it comes again at each look."""
        what = repr(sys.exception())
        if what != self._said:
            traceback.print_exc()
        self._said = what

    def _holds_lock(self) -> bool:
        if self._lock is None:
            file = self._home.queue_lock.open("ab")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.close()
                return False
            self._lock = file
        return True
