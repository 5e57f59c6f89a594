"""A baton: whoever holds it computes, and passes it on between two tokens, so that all get on at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TURN = 0.03  # seconds: short enough to look like at the same time, and passing it on costs nothing that can be measured


class Turn:
    """One who takes part."""

    def __init__(self, baton: Baton, asker: str) -> None:
        self.asker = asker
        self.mine = threading.Event()
        self.since = 0.0
        self._baton = baton

    def between(self) -> None:
        """Call between two tokens: passes the baton on where this turn is over and others wait, and waits for it."""
        if self._baton.clock() - self.since >= self._baton.turn:
            self._baton.pass_on(self)


class Baton:
    """One holder at a time. Next is who waits for the asker that had it for the shortest time so far.

    Of an asker's own, the one that waits for longest is next. An asker who comes later begins with as much time as the
    one who had least: nobody has to make up for what was before.
    """

    def __init__(self, turn: float = TURN, clock: Callable[[], float] = time.monotonic) -> None:
        self.turn = turn
        self.clock = clock
        self._guard = threading.Lock()
        self._holder: Turn | None = None
        self._waiting: list[Turn] = []
        self._had: dict[str, float] = {}  # seconds, of those who take part

    @contextmanager
    def held(self, asker: str = "") -> Iterator[Turn]:
        """Wait for the baton and keep it for the `with` block, but for the turns that `between` gives to others."""
        turn = Turn(self, asker)
        with self._guard:
            self._had.setdefault(asker, min(self._had.values(), default=0.0))
            self._waiting.append(turn)
            if self._holder is None:
                self._give()
        turn.mine.wait()
        try:
            yield turn
        finally:
            with self._guard:
                self._take(turn)
                if not any(other.asker == asker for other in self._waiting):
                    del self._had[asker]
                self._give()

    def pass_on(self, turn: Turn) -> None:
        """Let another one have it, if anybody waits, and wait until it comes back."""
        with self._guard:
            if not self._waiting:
                self._count(turn)
                return
            self._take(turn)
            self._waiting.append(turn)
            self._give()
        turn.mine.wait()

    def _take(self, turn: Turn) -> None:
        assert self._holder is turn, "only its holder can pass it on"
        self._count(turn)
        turn.mine.clear()
        self._holder = None

    def _count(self, turn: Turn) -> None:
        now = self.clock()
        self._had[turn.asker] += now - turn.since
        turn.since = now

    def _give(self) -> None:
        if not self._waiting:
            return
        self._holder = turn = min(self._waiting, key=lambda each: self._had[each.asker])
        self._waiting.remove(turn)
        turn.since = self.clock()
        turn.mine.set()
