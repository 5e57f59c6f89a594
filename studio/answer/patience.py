"""How long one waits for the next word of an answer before it counts as stuck."""

from __future__ import annotations

import time

FIRST = 120.0  # seconds of silence before the first word: a long prompt is read in one go
SHORTEST = 30.0  # seconds of silence after the first word that are never too long: others' prompts are read too
USUAL = 20  # times the longest silence so far


class Patience:
    """With one answer. Its limit follows the pace at which the answer comes."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._longest = 0.0
        self._told = False

    def renew(self) -> None:
        """A word has come."""
        now = time.monotonic()
        if self._last is not None:
            self._longest = max(self._longest, now - self._last)
        self._last, self._told = now, False

    def limit(self) -> float:
        """Seconds of silence that are too long."""
        return FIRST if self._last is None else max(SHORTEST, USUAL * self._longest)

    def worn(self, silence: float) -> str:
        """What to say of a silence of so many seconds: nothing where it is usual or was told already."""
        if self._told or silence <= self.limit():
            return ""
        self._told = True
        return (
            f"Nothing has come for {silence:.0f} seconds, much longer than usual. Wait, or press Stop: where the chat "
            "does not react to it, its process is ended and the next question starts afresh."
        )
