"""After a wish: a run that does not end by itself is ended, with all its processes, and spoken for.

A run that was asked to stop or pause may take its time as long as it gets on, that is, writes events or log. Once it
was silent for as long as its own pace makes odd, its processes are sent SIGTERM, and those still there after
`TERM` seconds SIGKILL. A cancelled run has nothing to lose and gets a few seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from signal import SIGKILL, SIGTERM, Signals

from studio.errors import StudioError
from studio.run import family
from studio.run.cancel import left_over, throw_away
from studio.run.directory import Run, Status
from studio.run.events import AnyEvent, Metrics, Phase, Resumed
from studio.run.last_words import speak_for
from studio.run.owner import Owner, read_owner
from studio.run.stalled import last_events, patience, step_seconds
from studio.run.wish import Wish

TERM = 10.0  # seconds from SIGTERM to SIGKILL
AT_HAND = 3.0  # the same, where a person waits for it
UNLEARNED = 15.0  # seconds of silence before the first step: nothing is lost
LONGEST = 3600.0  # seconds from a wish on, however much is written


@dataclass(frozen=True)
class Grace:
    """How long a run that was asked to end may go on: `silent` seconds without a sign of life, `whole` in all."""

    silent: float
    whole: float


CANCELLED = Grace(10.0, 20.0)
OVER = Grace(20.0, 20.0)
"""For what is left of a run that has ended: memory to be given back, other processes that hear of it."""


class Patience:
    """What is to be sent to one run, and when. `signs` is whatever grows while it gets on."""

    def __init__(self, now: float, signs: object) -> None:
        self._began = self._heard = now
        self._signs = signs
        self._asked: float | None = None

    def due(self, now: float, signs: object, grace: Grace) -> Signals | None:
        """What to send at `now` (seconds of a clock that nobody sets): SIGTERM once, SIGKILL from `TERM` later on."""
        if signs != self._signs:
            self._signs, self._heard = signs, now
        if self._asked is not None:
            return SIGKILL if now - self._asked >= TERM else None
        if now - self._heard < grace.silent and now - self._began < grace.whole:
            return None
        self._asked = now
        return SIGTERM


class Escalation:
    """Sees to the end of runs, a short look at a time. For the one process that starts runs."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ending: dict[Run, Patience] = {}
        self._seen: set[Run] | None = None
        """The runs that were active at the last look."""

    def look(self, runs: Iterable[tuple[Run, Status]]) -> set[Run]:
        """Do what is due for these runs (all of the home) as they stand. Returns those over that are not gone yet."""
        runs = list(runs)
        leaving = self._leaving(runs)
        self._seen = {run for run, status in runs if status.active} | leaving
        for run in set(self._ending) - self._seen:
            del self._ending[run]
        for run, status in runs:
            with suppress(OSError):  # a run that was removed meanwhile, or that cannot be written to, hides no other
                self._see_to(run, status, run in leaving)
        return leaving

    def _see_to(self, run: Run, status: Status, leaving: bool) -> None:
        if status is Status.STOPPING:
            self._press(run, grace_of(run))
        elif leaving:
            self._press(run, OVER)
        elif status is Status.LOST and run.asked_to_stop():
            speak_for(run)
        elif status is Status.CANCELLED and left_over(run):  # it waited, or died while it threw away
            throw_away(run)

    def _leaving(self, runs: list[tuple[Run, Status]]) -> set[Run]:
        """Those that ended since the last look, or at the first look ever, and have processes left."""
        marks = family.families() if self._seen is None else set()
        return {run for run, status in runs if status.over and self._may_linger(run, marks) and _members(run)}

    def _may_linger(self, run: Run, marks: set[str]) -> bool:
        if self._seen is not None:
            return run in self._seen
        owner = read_owner(run.owner_path) if marks else None
        return owner is not None and owner.family in marks

    def _press(self, run: Run, grace: Grace) -> None:
        owner = read_owner(run.owner_path)
        if owner is None or not owner.family:
            return  # done by a process that does more than this run
        now, signs = self._clock(), _signs(run)
        signal = self._ending.setdefault(run, Patience(now, signs)).due(now, signs, grace)
        if signal:
            family.send(owner, signal)


def grace_of(run: Run) -> Grace:
    """How long a run that was asked to end may take, by what was asked and by its own pace."""
    if run.wish() is Wish.CANCEL:
        return CANCELLED
    events = _since_resumed(last_events(run))
    phase = next((event.phase for event in reversed(events) if isinstance(event, Phase)), "")
    learned = any(isinstance(event, Metrics) for event in events)
    silent = patience(phase or "training", step_seconds(events)) if learned else UNLEARNED
    return Grace(silent, LONGEST)


def ask(run: Run, wish: Wish) -> None:
    """Ask a run to end so. Where nobody does it any more, what was asked is done at once; where it has ended, nothing.

    Raises:
        StudioError: the wish cannot be written.
    """
    if run.ended():
        return
    run.ask(wish)
    speak_for(run)
    if run.status() is Status.CANCELLED:
        throw_away(run)


def end_now(run: Run) -> Status:
    """End a run at once, whatever it does, and return how it stands then. One that nobody asked anything is stopped.

    Takes up to some seconds. May be called from any process.

    Raises:
        StudioError: it is done in a process that does more than this run, or its process does not go away.
    """
    if run.status().over:
        return run.status()
    if run.wish() is None:
        run.ask(Wish.STOP)
    owner = read_owner(run.owner_path)
    if owner is None:
        return run.status()  # it waited, and will not begin
    if not owner.family:
        raise StudioError(
            f"The run {run.name} is trained inside the process {owner.pid}, which does other things too (the studio "
            "was opened with STUDIO_LAUNCHER=thread, say), so it cannot be ended alone. End that process, or let it go "
            "on."
        )
    if not family.end(owner, AT_HAND):
        raise StudioError(
            f"The process {owner.pid} of {run.name} does not go away: the system itself waits for something, a disk or "
            "a driver. Look at the machine; it may have to be started again."
        )
    speak_for(run)
    return run.status()


def _since_resumed(events: list[AnyEvent]) -> list[AnyEvent]:
    """What the process that does the run now has written: what was learned before is in a checkpoint."""
    resumed = [place for place, event in enumerate(events) if isinstance(event, Resumed)]
    return events[resumed[-1] + 1 :] if resumed else events


def _members(run: Run) -> bool:
    owner: Owner | None = read_owner(run.owner_path)
    return owner is not None and bool(family.members(owner))


def _signs(run: Run) -> tuple[int, ...]:
    """What grows while a run gets on: its events and what it prints, in bytes."""
    return tuple(path.stat().st_size if path.exists() else 0 for path in (run.events_path, run.log_path))
