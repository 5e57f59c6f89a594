"""The examiner: a thread that gives waiting evaluations their turn, one at a time, and steps aside for runs."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable

from studio.answer.evaluation.child import Child
from studio.answer.evaluation.events import Died, read_events
from studio.answer.evaluation.folder import Evaluation, every_evaluation
from studio.errors import StudioError
from studio.home import Home
from studio.run.directory import Status
from studio.run.events import Ended, EventWriter
from studio.run.last_words import KILLED, how_it_ended, last_lines

TICK = 1.0  # seconds between looks; `poke` ends a wait early
LIVES = 2  # processes that may die without a word, one after the other, before it is given up
TAKEN = 3  # exit status: another process does it (see `__main__`)

Stamp = tuple[int, int, int]


class Examiner:
    """Looks after the home's evaluations. All it knows is read from their folders at each look.

    One is done at a time, in a process of its own that ends with this one; the next start goes on with it.

    `may_begin` says why nothing may be computed now, or None where it may: a run that takes the GPU ends the process at
    once, and the evaluation waits with what it has. `in_charge` says whether this process starts things (see
    `Queue.in_charge`).
    """

    def __init__(
        self, home: Home, may_begin: Callable[[], str | None], in_charge: Callable[[], bool] = lambda: True
    ) -> None:
        self._home = home
        self._may_begin = may_begin
        self._in_charge = in_charge
        self._child: Child | None = None
        self._over: dict[Evaluation, Stamp] = {}
        self._looking = threading.Lock()
        self._poked = threading.Event()
        self._closed = threading.Event()
        self._said = ""
        self._thread = threading.Thread(target=self._loop, name="examiner", daemon=True)

    def start(self) -> None:
        """Begin to look after the home's evaluations."""
        self._thread.start()

    def poke(self) -> None:
        """Look now: there is a new evaluation."""
        self._poked.set()

    def close(self) -> None:
        """Begin no more, and end what is under way; what it has is kept."""
        self._closed.set()
        self._poked.set()
        if self._thread.ident is not None:
            self._thread.join()
        self.step_aside()

    def step_aside(self) -> None:
        """End what is under way, so that its memory is free when this returns. It waits for its next turn."""
        with self._looking:
            self._step_aside()

    def look(self) -> None:
        """Give every evaluation what it needs now."""
        with self._looking:
            refused = self._may_begin() is not None
            deleted = self._child is not None and not self._child.evaluation.path.exists()  # with its run
            if refused or deleted:
                self._step_aside()
            if self._child is not None and self._child.status() is not None:
                ended, self._child = self._child, None
                self._bury(ended)
            unfinished = self._unfinished()
            for each, status in unfinished:
                if status is Status.LOST:  # by a studio that was killed, or a process that just ended
                    each.go_on()
            if self._child is None and not refused and not self._closed.is_set():
                self._begin(unfinished)

    def _loop(self) -> None:
        while not self._closed.is_set():
            try:
                if self._in_charge():
                    self.look()
                self._said = ""
            except Exception:  # a folder removed between two looks, say: the next look starts afresh
                self._complain()
            if not self._closed.is_set():
                self._poked.wait(TICK)
            self._poked.clear()

    def _begin(self, unfinished: list[tuple[Evaluation, Status]]) -> None:
        if any(status.active for _, status in unfinished):  # on the command line, say
            return
        waiting = [
            each for each, status in unfinished if status in (Status.WAITING, Status.LOST) and not _executes(each)
        ]
        if waiting:
            self._child = Child(waiting[-1])  # the oldest

    def _step_aside(self) -> None:
        if self._child is None:
            return
        child, self._child = self._child, None
        child.end()
        if child.claimed() and child.evaluation.status() is Status.LOST:
            child.evaluation.go_on()

    def _bury(self, child: Child) -> None:
        """Say what is to be said of a process that has ended: it may have died without a word."""
        status, evaluation = child.status() or 0, child.evaluation
        if status == TAKEN or (child.claimed() and evaluation.status() is not Status.LOST):
            return
        if not child.claimed() and evaluation.status() is not Status.WAITING:
            return
        died = Died(status=status, bytes=_size(evaluation))
        deaths = 1 + _deaths_without_progress(evaluation, died.bytes)
        with EventWriter(evaluation.events_path) as events:
            events.write(died)
            if deaths >= LIVES:
                events.write(_failed(evaluation, status))

    def _unfinished(self) -> list[tuple[Evaluation, Status]]:
        """What is not over, newest first; a lost one counts, as it can go on. What was over is not read again."""
        found = []
        known, self._over = self._over, {}
        for each in every_evaluation(self._home):
            stamp = _stamp(each)
            if known.get(each) != stamp:
                status = each.status()
                if not status.over or status is Status.LOST:
                    found.append((each, status))
                    continue
            self._over[each] = stamp
        return found

    def _complain(self) -> None:
        """Print an error, once where it comes again at each look."""
        what = traceback.format_exc()
        if what != self._said:
            traceback.print_exc()
        self._said = what


def _executes(evaluation: Evaluation) -> bool:
    """Whether it runs a file of a user's, which is done on the command line alone; there it is gone on with, too."""
    try:
        return bool(evaluation.request.own)
    except StudioError:  # its process says what is wrong with it
        return False


def _failed(evaluation: Evaluation, status: int) -> Ended:
    if status == KILLED:
        return Ended(
            kind="failed",
            cause="memory",
            message="Its process was ended by the system twice without getting on. Most likely the machine's memory "
            "was not enough: wait until no run is training, close other programs or choose a smaller base, then let it "
            "go on. What was answered is kept.",
        )
    said = " · ".join(last_lines(evaluation.log_path))
    last = f" It printed last: {said}." if said else " It printed nothing."
    return Ended(
        kind="failed",
        cause="process",
        message=f"Its process {how_it_ended(status)} twice without a word and without getting on.{last} What was "
        "answered is kept: let it go on to try again.",
    )


def _deaths_without_progress(evaluation: Evaluation, size: int) -> int:
    """The processes that died one after the other with `size` bytes of answers, since it last ended."""
    deaths = 0
    for event in reversed(read_events(evaluation.events_path)):
        if isinstance(event, Ended) or (isinstance(event, Died) and event.bytes != size):
            break
        deaths += isinstance(event, Died)
    return deaths


def _size(evaluation: Evaluation) -> int:
    """Bytes of answers."""
    try:
        return evaluation.answers_path.stat().st_size
    except FileNotFoundError:
        return 0


def _stamp(evaluation: Evaluation) -> Stamp:
    """Changes with whatever can change the status of one that is over."""
    files = (evaluation.events_path, evaluation.owner_path, evaluation.stop_path)
    times = [path.stat().st_mtime_ns if path.exists() else 0 for path in files]
    return times[0], times[1], times[2]
