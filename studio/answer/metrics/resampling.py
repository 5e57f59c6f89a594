"""How sure a figure or a difference is: the same rows are drawn again and again, for all contestants alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studio.answer.metrics.metric import FromSums
from studio.intervals import SEED, Interval, paired_share_difference, share_interval, tail, widened_share

RESAMPLES = 2000
FEWEST = 6
"""Rows for a verdict on what is no share of hits: of fewer, even if all agree, half or more of the other signs would
have been as likely as 5 %: the two-sided sign test gives 2 / 2^5 = 0.06."""


@dataclass(frozen=True)
class Estimate:
    """A figure or a difference over `number` rows, and its 95 % interval."""

    value: float
    interval: Interval
    number: int
    hits: int | None = None
    """How many rows are 1, or how many more, where each is 0 or 1."""


class Draws:
    """Draws of `number` rows with replacement, as how often each row came: the same for all that is compared."""

    def __init__(self, number: int) -> None:
        chance = np.random.default_rng(SEED)
        drawn = chance.integers(0, max(number, 1), (RESAMPLES if number else 0, number))
        places = drawn + np.arange(len(drawn))[:, None] * number
        self._times = (
            np.bincount(places.ravel(), minlength=len(drawn) * number).reshape(len(drawn), number).astype(np.float64)
        )

    def figures(self, statistics: np.ndarray, figure: FromSums) -> np.ndarray:
        """The figure of each draw."""
        return figure(self._times @ np.nan_to_num(statistics))


@dataclass(frozen=True, eq=False)
class Sample:
    """What one contestant's rows give for one metric: statistics (rows, k), nan where a row does not count."""

    statistics: np.ndarray
    figure: FromSums
    is_share: bool
    is_hit: bool
    """Whether each row is 0 or 1 and the figure is their mean."""

    @property
    def counts(self) -> np.ndarray:
        """Which rows count: bool."""
        return ~np.isnan(self.statistics).any(axis=1)

    def only(self, kept: np.ndarray) -> Sample:
        """The same with only the rows of `kept` counted."""
        return Sample(np.where(kept[:, None], self.statistics, np.nan), self.figure, self.is_share, self.is_hit)

    @property
    def hits(self) -> np.ndarray | None:
        """Which of the counted rows are 1, where each is 0 or 1."""
        return self.statistics[self.counts, 0] == 1 if self.is_hit else None

    @property
    def value(self) -> float:
        """The figure over all rows that count; nan where there are none."""
        counted = self.statistics[self.counts]
        return float(self.figure(counted.sum(axis=0))) if len(counted) else float("nan")


def estimate(sample: Sample, draws: Draws) -> Estimate | None:
    """A figure with its interval, None where no row counts or it is no number.

    The share of hits has Wilson's interval; the bootstrap has none where all hit or all miss. All else has the expanded
    percentile bootstrap (Hesterberg 2015, "What Teachers Should Know About the Bootstrap", Am. Stat. 69(4), section
    5.3), which is wide enough for few rows too. A share whose rows are all alike has Wilson's: no values between 0 and
    1 vary more than those that are 0 or 1.
    """
    number, value, hits = int(sample.counts.sum()), sample.value, sample.hits
    if not np.isfinite(value):
        return None
    if hits is not None:
        return Estimate(value, share_interval(int(hits.sum()), number), number, int(hits.sum()))
    low, high = _percentiles(draws.figures(sample.statistics, sample.figure), number)
    if sample.is_share and high - low < 1e-9:
        low, high = widened_share(value, number)
    return Estimate(value, (min(low, value), max(high, value)), number)


def difference(sample: Sample, other: Sample, draws: Draws) -> Estimate | None:
    """How much more `sample` has than `other`, over the rows that count for both; None where there are none.

    Of hits: Newcombe's interval for pairs, with 0 in it wherever McNemar's exact test finds no difference at 5 %. All
    else: the expanded percentile bootstrap of the difference over the same draws; of fewer than 6 rows with 0 in it.
    """
    both = sample.counts & other.counts
    sample, other, number = sample.only(both), other.only(both), int(both.sum())
    value = sample.value - other.value
    if not np.isfinite(value):
        return None
    hits, others = sample.hits, other.hits
    if hits is not None and others is not None:
        gained, lost = int((hits & ~others).sum()), int((~hits & others).sum())
        interval = paired_share_difference(int((hits & others).sum()), gained, lost, int((~hits & ~others).sum()))
        return Estimate(value, interval, number, gained - lost)
    found = draws.figures(sample.statistics, sample.figure) - draws.figures(other.statistics, other.figure)
    low, high = _percentiles(found, number)
    low, high = min(low, value), max(high, value)
    if number < FEWEST:
        low, high = min(low, 0.0), max(high, 0.0)
    return Estimate(value, (low, high), number)


def _percentiles(found: np.ndarray, number: int) -> Interval:
    found = found[np.isfinite(found)]
    if not len(found):
        return float("nan"), float("nan")
    share = tail(number)
    low, high = np.quantile(found, (share, 1 - share))
    return float(low), float(high)
