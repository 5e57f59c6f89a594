"""How much of the training's time looking may take, by keeping accounts."""

from __future__ import annotations

from dataclasses import dataclass, field

FILMS = (1.0, 0.5, 0.25, 0.0)
"""How much of the film strip is made, the most that time allows first; the needle is read in any case."""


@dataclass
class Budget:
    """Seconds spent on looks against those since the training began. Estimates are those of the last look."""

    share: float
    began: float
    spent: float = 0.0
    needle: float = field(default=0.0)
    film: float = field(default=0.0)
    """Seconds of a whole film strip's frame."""

    def film_affordable(self, now: float) -> float | None:
        """Which part of a frame there is time for beside the needle: one of `FILMS`; None: not even for the needle."""
        return next((part for part in FILMS if self._affords(self.needle + part * self.film, now)), None)

    def looked(self, needle: float, film: float, part: float) -> None:
        """A look took so many seconds for the needle, and for `part` of a frame."""
        self.spent += needle + film
        self.needle = needle
        if part:
            self.film = film / part

    def _affords(self, expected: float, now: float) -> bool:
        return self.spent + expected <= self.share * (now - self.began + expected)
