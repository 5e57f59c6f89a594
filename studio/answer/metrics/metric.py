"""A way to judge answers: what it sees, what it gives for each row, and how a figure comes from that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from studio.answer.evaluation.answered import AnsweredRow, Read

Family = Literal["match", "words", "json", "number", "classes", "loss", "manner", "rules", "judge", "own"]
Better = Literal["higher", "lower", "neither"]
Unit = Literal["share", "nats", "perplexity", "words", "count"]
Value = float | None


@dataclass(frozen=True)
class Traits:
    """What was recognised in the rows: the metrics that fit follow from it.

    `number` rows; `labels` in order of frequency, empty where the references are none; `words` is the median length of
    a reference.
    """

    number: int
    classes: bool = False
    json_objects: int = 0
    numbers: int = 0
    labels: tuple[str, ...] = ()
    words: float = 0.0
    answered: bool = True
    read: bool = False
    marked: bool = False
    owned: bool = False

    @property
    def is_json(self) -> bool:
        """Every reference is a JSON object."""
        return self.answered and 0 < self.number == self.json_objects

    @property
    def is_numbers(self) -> bool:
        """Half of the references and more end in a number."""
        return self.answered and not self.classes and not self.is_json and 0 < self.number <= 2 * self.numbers

    @property
    def is_labels(self) -> bool:
        return self.answered and bool(self.labels)

    @property
    def is_free(self) -> bool:
        """References that are texts, neither classes nor JSON, so that answers can be right in part."""
        return self.answered and not self.classes and not self.labels and not self.is_json

    @property
    def is_prose(self) -> bool:
        """References of several words."""
        return self.is_free and self.words >= FEWEST_WORDS


FEWEST_WORDS = 3


@dataclass(frozen=True)
class Said:
    """What one contestant said: an answer to each row, None where there is none, and how it reads the references."""

    rows: Sequence[AnsweredRow]
    contestant: str
    traits: Traits

    @property
    def pairs(self) -> list[tuple[str | None, str]]:
        """Each row's answer and reference."""
        return [(row.answers.get(self.contestant), row.reference) for row in self.rows]

    @property
    def read(self) -> list[Read | None]:
        """How the contestant reads each reference."""
        return [row.read.get(self.contestant) for row in self.rows]


Statistics = Callable[[Said], np.ndarray]
"""(rows, k) numbers whose sums over rows are all that the figure needs; a row that does not count is nan."""
FromSums = Callable[[np.ndarray], np.ndarray]
"""(..., k) sums to (...) figures."""


def mean(sums: np.ndarray) -> np.ndarray:
    """The first statistic over the second: a mean where the second counts rows."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return sums[..., 0] / sums[..., 1]


@dataclass(frozen=True)
class Metric:
    """A way to judge answers. `fits` says for which rows it makes sense."""

    name: str
    title: str
    help: str
    """What it measures, its unit and what is good, in plain words."""
    family: Family
    statistics: Statistics
    better: Better = "higher"
    unit: Unit = "share"
    hits: bool = False
    """Whether a row is right or not (1 or 0) and nothing between."""
    figure: FromSums = mean
    row_value: FromSums | None = mean
    """The value of a row from its own statistics; None where a single row has none."""
    fits: Callable[[Traits], bool] = lambda traits: traits.answered


PerPair = Callable[[str, str], Value]


def of_pairs(function: PerPair) -> Statistics:
    """The statistics of a mean over rows, from a function of an answer and its reference."""
    return of_values(lambda said: [None if a is None else function(a, r) for a, r in said.pairs])


def of_values(function: Callable[[Said], Sequence[Value]]) -> Statistics:
    """The statistics of a mean over rows, from a value or None for each."""

    def statistics(said: Said) -> np.ndarray:
        values = np.array(function(said), dtype=np.float64)
        return np.column_stack([values, np.where(np.isnan(values), np.nan, 1.0)])

    return statistics
