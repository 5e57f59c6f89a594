"""The queue: a thread that takes the oldest waiting run, hands it to a launcher and watches it."""

from __future__ import annotations

import fcntl
import threading
import traceback
from collections.abc import Callable
from typing import IO

from studio.errors import StudioError
from studio.home import Home
from studio.run import owner
from studio.run.directory import Run, Status, list_runs
from studio.run.events import Ended, EventWriter
from studio.run.launchers import Launcher

TICK = 0.5  # seconds between looks; `poke` ends a wait early


class Queue:
    """Starts waiting runs, one at a time, as long as this process holds the home's lock.

    All its knowledge is read from the run directories at each look, so it can be killed and started again at any time.
    `before_run` is called just before a run begins, to make room for it. With `spare`, the launcher is kept warm while
    nothing waits.
    """

    def __init__(
        self, home: Home, launcher: Launcher, before_run: Callable[[], None] = lambda: None, spare: bool = True
    ) -> None:
        self._home = home
        self._launcher = launcher
        self._before_run = before_run
        self._spare = spare
        self._poked = threading.Event()
        self._closed = threading.Event()
        self._lock: IO[bytes] | None = None
        self._thread = threading.Thread(target=self._loop, name="queue", daemon=True)

    def start(self) -> None:
        """Begin to look after the home's runs."""
        self._thread.start()

    def poke(self) -> None:
        """Look now: there is a new run."""
        self._poked.set()

    def in_charge(self) -> bool:
        """Whether this process is the one that starts runs."""
        return self._lock is not None

    def close(self) -> None:
        """Start no more runs. One in progress goes on where its launcher lets it."""
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
            except Exception:  # a folder removed between two looks, say: the next look starts afresh
                traceback.print_exc()
            if not self._closed.is_set():  # else the poke that comes with closing may be used up already
                self._poked.wait(TICK)
            self._poked.clear()

    def _look(self) -> None:
        if self._launcher.busy():
            return
        runs = [(run, run.status()) for run in list_runs(self._home)]
        if any(status.active for _, status in runs):
            return  # begun by an app that is gone: it is watched like any other
        waiting = [run for run, status in runs if status is Status.WAITING]
        if waiting:
            self._begin(waiting[0])
        elif self._spare:
            self._launcher.warm()

    def _begin(self, run: Run) -> None:
        self._before_run()
        try:
            self._launcher.start(run)
        except Exception:  # no memory for a child, say: this run fails, the next one has its turn
            traceback.print_exc()
        while self._launcher.busy() and not self._closed.is_set():
            self._poked.wait(TICK)
            self._poked.clear()
        if not self._launcher.busy() and run.status() is Status.WAITING:
            _give_up(run)

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


def _give_up(run: Run) -> None:
    """The trainer ended before it claimed the run: say so in its stead, or the run would be tried for ever."""
    try:
        owner.claim(run.owner_path)
    except StudioError:
        return
    message = (
        "The trainer's process ended before it could begin. See trainer.log in the studio's home, then train again."
    )
    with EventWriter(run.events_path) as events:
        events.write(Ended(kind="failed", message=message))
