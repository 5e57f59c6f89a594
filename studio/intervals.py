"""How sure a mean, a share or a difference is: 95 % intervals, each by a published method."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from statistics import NormalDist

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


def share_interval(hits: int, number: int, level: float = 0.05) -> Interval:
    """The interval at 1 - `level` of the share `hits / number`, number at least 1. Wilson 1927, J. Am. Stat. Assoc.
    22(158)."""
    share, z = hits / number, NormalDist().inv_cdf(1 - level / 2)
    middle = share + z * z / (2 * number)
    reach = z * sqrt(share * (1 - share) / number + z * z / (4 * number * number))
    scale = 1 + z * z / number
    return (middle - reach) / scale if hits else 0.0, (middle + reach) / scale if hits < number else 1.0


def interval_of_alike(value: float, number: int, least: float, most: float) -> Interval:
    """The interval of a mean between `least` and `most` of `number` rows that are all `value`: resampling sees none.

    None of the rows is another than `value`, so by Wilson's interval at most so many of all are, and those can be
    anything between the ends.
    """
    others = share_interval(0, number)[1]
    return value - others * (value - least), value + others * (most - value)


def paired_share_difference(both: int, first: int, second: int, neither: int) -> Interval:
    """The interval of a difference of two shares of the same rows: hits of the first less hits of the second.

    Newcombe 1998, "Improved confidence intervals for the difference between binomial proportions based on paired data",
    Stat. Med. 17(22), method 10. Where `mcnemar` finds no difference at 5 %, the near end is moved to 0.

    Args:
        both: rows that hit with both.
        first: rows that hit with the first only.
        second: rows that hit with the second only.
        neither: rows that hit with neither; all four together at least 1.
    """
    number = both + first + second + neither
    share, other = (both + first) / number, (both + second) / number
    low, high = share_interval(both + first, number)
    other_low, other_high = share_interval(both + second, number)
    tied = _tied(both, first, second, neither)
    below, above = share - low, high - share
    other_below, other_above = other - other_low, other_high - other
    reach_low = sqrt(max(0.0, below**2 - 2 * tied * below * other_above + other_above**2))
    reach_high = sqrt(max(0.0, above**2 - 2 * tied * above * other_below + other_below**2))
    least, most = share - other - reach_low, share - other + reach_high
    return (least, most) if mcnemar(first, second) <= 0.05 else (min(least, 0.0), max(most, 0.0))


def mcnemar(first: int, second: int) -> float:
    """How likely a split of `first` to `second` rows, or one further apart, is by chance alone: exact, two-sided.

    McNemar 1947, Psychometrika 12(2); the binomial test of the rows where the two differ.
    """
    from scipy.special import bdtr

    number = first + second
    return min(1.0, 2 * float(bdtr(min(first, second), number, 0.5))) if number else 1.0


def tail(number: int, level: float = 0.05) -> float:
    """The share to cut off at each end of a bootstrap of `number` rows: under `level / 2` of few rows.

    The expanded percentile interval: Hesterberg 2015, "What Teachers Should Know About the Bootstrap", Am. Stat. 69(4),
    section 5.3.
    """
    from scipy.special import ndtr, stdtrit

    if number < 2:
        return 0.0
    return float(ndtr(-sqrt(number / (number - 1)) * stdtrit(number - 1, 1 - level / 2)))


def share_difference(hits: int, number: int, other_hits: int, other_number: int, level: float = 0.05) -> Interval:
    """The interval at 1 - `level` of `hits / number - other_hits / other_number`, of two independent samples.

    Newcombe 1998, "Interval estimation for the difference between independent proportions", Stat. Med. 17, method 10.
    """
    share, other = hits / number, other_hits / other_number
    low, high = share_interval(hits, number, level)
    other_low, other_high = share_interval(other_hits, other_number, level)
    below = sqrt((share - low) ** 2 + (other_high - other) ** 2)
    above = sqrt((high - share) ** 2 + (other - other_low) ** 2)
    return share - other - below, share - other + above


def _tied(both: int, first: int, second: int, neither: int) -> float:
    """How far hits of the two go together (phi), with Newcombe's correction for few rows."""
    lines = (both + first) * (second + neither) * (both + second) * (first + neither)
    if not lines:
        return 0.0
    more = both * neither - first * second
    number = both + first + second + neither
    return (more if more < 0 else max(0.0, more - number / 2)) / sqrt(lines)


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
