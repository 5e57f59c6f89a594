"""The kept losses of a run, as they are asked for: those of one step, and the way of each row through the run."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import orjson

from studio.data.example import Example
from studio.run.directory import Run
from studio.run.row_losses.record import RECORD, paths_of, records


@dataclass(frozen=True)
class Ways:
    """What became of each row: one entry a row in every array, by rising place.

    `first` and `last` are its loss at its first and last visit, `best` the lowest, `visits` how often it was learned
    from, `tokens` how many of its tokens are learned.
    """

    places: np.ndarray
    visits: np.ndarray
    tokens: np.ndarray
    first: np.ndarray
    last: np.ndarray
    best: np.ndarray


@dataclass(frozen=True, eq=False)
class RowLosses:
    """All records of a run, by rising step, and within a step as they were learned."""

    every: np.ndarray

    def __len__(self) -> int:
        return len(self.every)

    @cached_property
    def steps(self) -> np.ndarray:
        """The steps that rows are known of."""
        return np.unique(self.every["step"])

    def of_step(self, step: int) -> np.ndarray:
        """The records of one step."""
        start, end = np.searchsorted(self.every["step"], [step, step + 1])
        return self.every[start:end]

    def of_rows(self, places: Collection[int]) -> dict[int, np.ndarray]:
        """The records of a few rows, by place: their way through the run."""
        some = self.every[np.isin(self.every["place"], np.fromiter(places, np.int64, len(places)))]
        return {place: some[some["place"] == place] for place in places}

    @cached_property
    def losses(self) -> tuple[np.ndarray, np.ndarray]:
        """The steps, and the mean loss of the tokens of each, in nats."""
        weights = np.bincount(self._at_step, self.every["tokens"].astype(float), len(self.steps))
        sums = np.bincount(self._at_step, self.every["loss"] * self.every["tokens"].astype(float), len(self.steps))
        return self.steps, sums / np.maximum(weights, 1)

    @cached_property
    def ways(self) -> Ways:
        """What became of each row. A row of which several pieces were learned from has a visit for each."""
        order, starts = self._by_row
        some = self.every[order]
        ends = np.append(starts[1:], len(some)) - 1 if len(some) else starts
        return Ways(
            places=some["place"][starts],
            visits=ends - starts + 1,
            tokens=some["tokens"][ends],
            first=some["loss"][starts],
            last=some["loss"][ends],
            best=np.minimum.reduceat(some["loss"], starts) if len(some) else some["loss"],
        )

    def mean_of_rows(self, values: np.ndarray, counted: np.ndarray) -> np.ndarray:
        """For each row of `ways` the mean of these values (one a record) over its records that are `counted`; NaN where
        none is."""
        order, starts = self._by_row
        lines = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(order))))
        weights = counted[order].astype(float)
        totals = np.bincount(lines, np.where(weights > 0, values[order], 0.0), len(starts))
        count = np.bincount(lines, weights, len(starts))
        return np.where(count > 0, totals / np.maximum(count, 1), np.nan)

    @cached_property
    def visit(self) -> np.ndarray:
        """For each record the how-manieth of its row it is, from 0."""
        order, starts = self._by_row
        counts = np.diff(np.append(starts, len(order)))
        found = np.empty(len(order), np.int64)
        found[order] = np.arange(len(order)) - np.repeat(starts, counts)
        return found

    @cached_property
    def _at_step(self) -> np.ndarray:
        return np.searchsorted(self.steps, self.every["step"])

    @cached_property
    def _by_row(self) -> tuple[np.ndarray, np.ndarray]:
        order = np.argsort(self.every["place"], kind="stable")
        places = self.every["place"][order]
        return order, np.flatnonzero(np.append(True, places[1:] != places[:-1])) if len(places) else order


def read_row_losses(run: Run) -> RowLosses | None:
    """The losses that a run kept of its rows; None where it kept none, as runs did before the studio knew how."""
    found = [records(path) for path in paths_of(run.path)]
    if not any(len(each) for each in found):
        return None
    if len(found) == 1:
        return RowLosses(found[0])
    every = np.concatenate(found) if found else np.empty(0, RECORD)
    return RowLosses(every[np.argsort(every["step"], kind="stable")])


def rows_at(run: Run, places: Collection[int]) -> dict[int, Example]:
    """The training rows at these places; those that are not there are left out. Reads no more of the file than it
    has to."""
    wanted = {place for place in places if place >= 0}
    last = max(wanted, default=-1)
    return {place: _example(line) for place, line in _lines(run.path / "data" / "train.jsonl", last) if place in wanted}


def kin_of(run: Run) -> tuple[list[str], list[str]]:
    """The answer of each training row, by place, and the set that it is from (empty: the main one)."""
    every = [orjson.loads(line) for _, line in _lines(run.path / "data" / "train.jsonl")]
    return [str(row.get("completion", "")) for row in every], [str(row.get("source", "")) for row in every]


def _lines(path: Path, last: int | None = None) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb") as lines:
            for place, line in enumerate(lines):
                if last is not None and place > last:
                    return
                yield place, line
    except FileNotFoundError:
        return


def _example(line: bytes) -> Example:
    return Example(**{"prompt": "", "completion": ""} | orjson.loads(line))
