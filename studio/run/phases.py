"""How far a slow phase of a run is, told about once a second; and the end of it where the run is asked to end."""

from __future__ import annotations

import time
from typing import Literal

from studio.run.directory import Run
from studio.run.events import EventWriter, Phase
from studio.run.wish import Interrupted, Wish

EVERY = 1.0  # seconds from one word to the next; what takes less is not told of

Name = Literal["loading", "preparing", "training", "scoring", "saving"]


def heed(run: Run) -> None:
    """Raise Interrupted where the run was asked to end."""
    if wish := run.wish():
        raise Interrupted(wish)


def heed_cancel(run: Run) -> None:
    """Raise Interrupted where all is to be thrown away, so that nothing of it need be kept."""
    if run.wish() is Wish.CANCEL:
        raise Interrupted(Wish.CANCEL)


class Telling:
    """Tells of one phase. `said` is whether it took long enough for that."""

    def __init__(self, events: EventWriter, phase: Name, step: int = 0, run: Run | None = None) -> None:
        self._events = events
        self._phase = phase
        self._step = step
        self._run = run
        self._last = time.monotonic()
        self.said = False

    def __call__(self, what: str, done: int, of: int) -> None:
        """So many are done of so many. Raises Interrupted where the run, if it was named, is asked to end."""
        if self._run is not None:
            heed(self._run)
        now = time.monotonic()
        if now - self._last >= EVERY:
            self._last = now
            self.said = True
            self._events.write(Phase(phase=self._phase, step=self._step, done=done, of=of))
