"""How sure a mean is: percentile bootstrap (Efron and Tibshirani 1993, "An Introduction to the Bootstrap", 13.3)."""

from __future__ import annotations

import numpy as np

RESAMPLES = 1000
SEED = 0
LIMITS = (2.5, 97.5)  # percent: the middle 95 %


def interval(values: list[float]) -> tuple[float, float]:
    """The 95 % interval of the mean of `values`. The same values give the same interval.

    Every call draws the same rows for lists of the same length, so the interval of the differences of two lists is a
    paired one.
    """
    scores = np.asarray(values, dtype=np.float64)
    chance = np.random.default_rng(SEED)
    means = [scores[chance.integers(0, len(scores), len(scores))].mean() for _ in range(RESAMPLES)]
    low, high = np.percentile(means, LIMITS)
    return float(low), float(high)
