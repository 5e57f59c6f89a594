"""How sure a mean, a share or a difference is: 95 % intervals, each by a published method."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import numpy as np

RESAMPLES = 1000
SEED = 0
LIMITS = (2.5, 97.5)  # percent: the middle 95 %
Z = 1.959964  # the normal distribution's 97.5th percentile

Interval = tuple[float, float]


def interval(values: list[float]) -> Interval:
    """The interval of the mean of `values`. The same values give the same interval.

    Every call draws the same rows for lists of the same length, so the interval of the differences of two lists is a
    paired one. Percentile bootstrap: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", 13.3.
    """
    scores = np.asarray(values, dtype=np.float64)
    return interval_of(lambda rows: float(scores[rows].mean()), len(scores))


def interval_of(figure: Callable[[np.ndarray], float], number: int) -> Interval:
    """The interval of a figure over `number` rows that is no mean of theirs, drawn as in `interval`.

    `figure` gets the places of the rows that were drawn, some of them more than once.
    """
    chance = np.random.default_rng(SEED)
    found = [figure(chance.integers(0, number, number)) for _ in range(RESAMPLES)]
    low, high = np.percentile(found, LIMITS)
    return float(low), float(high)


def share_interval(hits: int, number: int) -> Interval:
    """The interval of the share `hits / number`, number at least 1. Wilson 1927, J. Am. Stat. Assoc. 22(158)."""
    share = hits / number
    middle = share + Z * Z / (2 * number)
    reach = Z * sqrt(share * (1 - share) / number + Z * Z / (4 * number * number))
    scale = 1 + Z * Z / number
    return max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)


def share_difference(hits: int, number: int, other_hits: int, other_number: int) -> Interval:
    """The interval of `hits / number - other_hits / other_number`, of two independent samples.

    Newcombe 1998, "Interval estimation for the difference between independent proportions", Stat. Med. 17, method 10.
    """
    share, other = hits / number, other_hits / other_number
    low, high = share_interval(hits, number)
    other_low, other_high = share_interval(other_hits, other_number)
    below = sqrt((share - low) ** 2 + (other_high - other) ** 2)
    above = sqrt((high - share) ** 2 + (other - other_low) ** 2)
    return share - other - below, share - other + above


def median_difference(values: np.ndarray, others: np.ndarray) -> Interval:
    """The interval of the median of `values` less that of `others`, two independent samples of 5 and more.

    Price and Bonett 2002, "Distribution-free confidence intervals for difference and ratio of medians", J. Stat.
    Comput. Simul. 72(2): no resampling, so a million values take as long as sorting them.
    """
    difference = float(np.median(values)) - float(np.median(others))
    reach = Z * sqrt(_median_variance(values) + _median_variance(others))
    return difference - reach, difference + reach


def _median_variance(values: np.ndarray) -> float:
    """Price and Bonett 2001, "Estimating the variance of the sample median", J. Stat. Comput. Simul. 68(3)."""
    from scipy.stats import binom, norm

    number = len(values)
    rank = max(1, round((number + 1) / 2 - sqrt(number)))
    outside = 2 * float(binom.cdf(rank - 1, number, 0.5))
    low, high = np.partition(values, (rank - 1, number - rank))[[rank - 1, number - rank]]
    return float(((high - low) / (2 * norm.ppf(1 - outside / 2))) ** 2)
