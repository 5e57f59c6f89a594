"""How sure a figure or a difference is: the same rows are drawn again and again, for all contestants alike."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from studio.answer.metrics.metric import FromSums
from studio.intervals import SEED, Interval, interval_of_alike, paired_share_difference, share_interval, tail

RESAMPLES = 2000
FEWEST = 6
"""Rows for a verdict: of fewer, no test of signs can reach 5 %, even if all agree (2 / 2^5 = 0.06)."""
ALIKE = 1e-9


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
        times = np.bincount(places.ravel(), minlength=drawn.size).reshape(drawn.shape)
        self._times = times.astype(np.float64)

    def sums(self, statistics: np.ndarray) -> np.ndarray:
        """The sums of each draw. What is nan counts as nothing."""
        return self._times @ np.nan_to_num(statistics)


@dataclass(frozen=True, eq=False)
class Sample:
    """What one contestant's rows give for one metric: statistics (rows, k), nan where a row does not count."""

    statistics: np.ndarray
    figure: FromSums
    draws: Draws
    is_share: bool = False
    is_hit: bool = False
    """Whether each row is 0 or 1 and the figure is their mean."""

    @cached_property
    def counts(self) -> np.ndarray:
        """Which rows count: bool."""
        return ~np.isnan(self.statistics).any(axis=1)

    @cached_property
    def figures(self) -> np.ndarray:
        """The figure of each draw of the rows."""
        return self.figure(self.draws.sums(self.statistics))

    @cached_property
    def value(self) -> float:
        """The figure over all rows that count; nan where there are none."""
        counted = self.statistics[self.counts]
        return float(self.figure(counted.sum(axis=0))) if len(counted) else float("nan")

    @property
    def hits(self) -> np.ndarray | None:
        """Which of the counted rows are 1, where each is 0 or 1."""
        return self.statistics[self.counts, 0] == 1 if self.is_hit else None

    def only(self, kept: np.ndarray) -> Sample:
        """The same with only the rows of `kept` counted, all of which count here."""
        if np.array_equal(kept, self.counts):
            return self
        return replace(self, statistics=np.where(kept[:, None], self.statistics, np.nan))


def estimate(sample: Sample) -> Estimate | None:
    """A figure with its interval, None where no row counts or it is no number.

    The share of hits has Wilson's interval; the bootstrap has none where all hit or all miss. All else has the expanded
    percentile bootstrap (Hesterberg 2015, "What Teachers Should Know About the Bootstrap", Am. Stat. 69(4), section
    5.3), which is wide enough for few rows too; it sees nothing in a share whose rows are all alike, which has the
    interval of what no row shows.
    """
    number, value, hits = int(sample.counts.sum()), sample.value, sample.hits
    if not np.isfinite(value):
        return None
    if hits is not None:
        return Estimate(value, share_interval(int(hits.sum()), number), number, int(hits.sum()))
    low, high = percentiles(sample.figures, number)
    if sample.is_share and high - low < ALIKE:
        low, high = interval_of_alike(value, number, 0.0, 1.0)
    return Estimate(value, (min(low, value), max(high, value)), number)


def difference(sample: Sample, other: Sample) -> Estimate | None:
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
    low, high = percentiles(sample.figures - other.figures, number)
    if sample.is_share and high - low < ALIKE:
        low, high = interval_of_alike(value, number, -1.0, 1.0)
    low, high = min(low, value), max(high, value)
    if number < FEWEST:
        low, high = min(low, 0.0), max(high, 0.0)
    return Estimate(value, (low, high), number)


def percentiles(found: np.ndarray, number: int, level: float = 0.05) -> Interval:
    """The ends of the expanded percentile interval at 1 - `level`; draws in which no row counts have no figure."""
    share = tail(number, level)
    low, high = np.quantile(found[np.isfinite(found)], (share, 1 - share))
    return float(low), float(high)
