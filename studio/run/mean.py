"""The mean by which a loss is smoothed."""

from __future__ import annotations

from typing import NamedTuple

KEPT = 0.9  # of a smoothed loss at each step: the mean of about ten


class Mean(NamedTuple):
    """An exponential moving mean that is not biased towards its start."""

    total: float = 0.0
    weight: float = 0.0

    def plus(self, value: float, keep: float) -> Mean:
        """The mean with one more value; `keep` of the weight stays with the earlier ones."""
        return Mean(keep * self.total + (1 - keep) * value, keep * self.weight + (1 - keep))

    @property
    def value(self) -> float:
        """The mean, or 0 before the first value."""
        return self.total / self.weight if self.weight else 0.0
