"""Answered rows in, scores out: figures with intervals, differences and what they mean in words. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from studio.answer.evaluation.answered import AnsweredRow
from studio.answer.evaluation.request import BASE, FEW_SHOT, TUNED, Request
from studio.answer.evaluation.result import Confusion, Difference, Figure, MetricResult, Scores
from studio.answer.metrics.labels import confusion
from studio.answer.metrics.metric import Metric, Said
from studio.answer.metrics.registry import Choice, choose
from studio.answer.metrics.resampling import Draws, Sample, difference, estimate
from studio.answer.metrics.saying import difference_of, figure_of
from studio.data.wording import counted, quoted

MANY = (
    "Each interval misses the truth once in twenty times, so of many figures some differ by chance alone: decide by "
    "the one that is looked at first."
)
NO_VALUE = {"rules": "the check took too long", "judge": "no mark came in time, or none in the judge's words"}
CALLED = {BASE: "the base", FEW_SHOT: "the base with examples", TUNED: "the tuned model"}

BySpeaker = dict[str, np.ndarray]


def score_rows(rows: Sequence[AnsweredRow], request: Request, places: Sequence[int] | None = None) -> Scores:
    """How well each contestant of the request answers the rows.

    A row without an answer of a contestant counts for the others only, and in no difference with it.

    Args:
        rows: all rows of an evaluation: what they are decides which metrics fit.
        request: the contestants, who they are compared with, and the metrics and rules.
        places: score only these of the rows (their places, from 0), by the same metrics.

    Raises:
        StudioError: the request names a metric that there is not, or a rule that cannot be.
    """
    return judged(rows, request).scores(places)


def judged(rows: Sequence[AnsweredRow], request: Request, main_only: bool = False) -> Judged:
    """Every row judged by every metric that fits (or the main one of them), so that any part can be scored at once.

    Raises StudioError as `score_rows` does.
    """
    choice = choose(rows, request)
    if main_only:
        choice = replace(choice, metrics=tuple(each for each in choice.metrics if each.name == choice.main))
    names = [contestant.name for contestant in request.contestants]
    said = {name: Said(rows, name, choice.traits) for name in names}
    statistics = {
        metric.name: {name: metric.statistics(each) for name, each in said.items()} for metric in choice.metrics
    }
    return Judged(rows, request, choice, statistics)


@dataclass(frozen=True, eq=False)
class Judged:
    """Rows with the statistics of each metric and contestant."""

    rows: Sequence[AnsweredRow]
    request: Request
    choice: Choice
    statistics: dict[str, BySpeaker]

    def scores(self, places: Sequence[int] | None = None) -> Scores:
        """The scores of all rows, or of those at `places`."""
        kept = np.arange(len(self.rows)) if places is None else np.asarray(places, dtype=np.int64)
        draws = Draws(len(kept))
        results = [self._result(metric, kept, draws) for metric in self.choice.metrics]
        why = [*self.choice.why, *self._left_out(kept), *([MANY] if len(results) > 1 else [])]
        return Scores(
            n=len(kept),
            against=self.request.against,
            metrics=results,
            main=self.choice.main,
            why=why,
            headline=self._headline(next((r for r in results if r.name == self.choice.main), None), len(kept)),
            confusion=self._confusion(kept),
            values={m.name: self._values(m, kept) for m in self.choice.metrics if m.row_value is not None},
        )

    def samples(self, metric: Metric, kept: np.ndarray, draws: Draws) -> dict[str, Sample]:
        """What each contestant's rows at `kept` give for a metric."""
        return {
            who: Sample(found[kept], metric.figure, draws, metric.unit == "share", metric.hits)
            for who, found in self.statistics[metric.name].items()
        }

    def _result(self, metric: Metric, kept: np.ndarray, draws: Draws) -> MetricResult:
        samples = self.samples(metric, kept, draws)
        figures: dict[str, Figure] = {}
        differences: dict[str, Difference] = {}
        against = samples.get(self.request.against)
        for who, sample in samples.items():
            if found := estimate(sample):
                figures[who] = figure_of(found, metric.unit)
            if against and who != self.request.against and (apart := difference(sample, against)):
                differences[who] = difference_of(apart, metric.unit, metric.better)
        return MetricResult(
            name=metric.name,
            title=metric.title,
            help=metric.help,
            family=metric.family,
            better=metric.better,
            unit=metric.unit,
            per_row=metric.row_value is not None,
            figures=figures,
            differences=differences,
        )

    def _values(self, metric: Metric, kept: np.ndarray) -> dict[str, list[float | None]]:
        assert metric.row_value is not None
        values: dict[str, list[float | None]] = {}
        for who, found in self.statistics[metric.name].items():
            missing = np.isnan(found[kept]).any(axis=1)
            of_rows = metric.row_value(np.nan_to_num(found[kept]))
            values[who] = [None if no else float(value) for value, no in zip(of_rows, missing, strict=True)]
        return values

    def _left_out(self, kept: np.ndarray) -> Iterator[str]:
        """What a rule or a judge gave no value for, a sentence each."""
        rows = [self.rows[place] for place in kept]
        for metric in self.choice.metrics:
            if metric.family in ("rules", "judge"):
                missing = sum(
                    who in row.answers and no
                    for who, found in self.statistics[metric.name].items()
                    for row, no in zip(rows, np.isnan(found[kept]).any(axis=1).tolist(), strict=True)
                )
                if missing:
                    left = f"{counted(missing, 'answer')} {'has' if missing == 1 else 'have'} no value"
                    yield f"{metric.title}: {left} ({NO_VALUE[metric.family]}), and no part in its figures."

    def _confusion(self, kept: np.ndarray) -> dict[str, Confusion]:
        labels = self.choice.traits.labels
        if not self.choice.traits.is_labels:
            return {}
        rows = [self.rows[place] for place in kept]
        return {
            each.name: confusion([(r.answers[each.name], r.reference) for r in rows if each.name in r.answers], labels)
            for each in self.request.contestants
        }

    def _headline(self, main: MetricResult | None, number: int) -> str:
        if not number or main is None or not main.figures:
            return "There is nothing to score yet: no row was answered."
        all_of = number == len(self.rows)
        where = self.request.rows_are if all_of and self.request.rows_are else counted(number, "row")
        against = main.figures.get(self.request.against)
        others = [name for name in main.figures if name != self.request.against]
        if against is None or not others:
            said = ", ".join(f"{called(who)} has {figure.text}" for who, figure in main.figures.items())
            return f"On {where}, {main.title}: {said}."
        who = TUNED if TUNED in others else others[-1]
        apart = main.differences.get(who)
        verdict = apart.verdict if apart else "cannot tell"
        open_ = f"it cannot be told whether {called(who)} is better"
        told = open_ if verdict == "cannot tell" else f"{called(who)} is {verdict}"
        comma = "," if "," in where else ""
        figures = f"{main.title} {main.figures[who].text}, {called(self.request.against)} {against.text}"
        return f"On {where}{comma} {told}: {figures}."


def called(contestant: str) -> str:
    """A contestant's name inside a sentence."""
    return CALLED.get(contestant, quoted(contestant, 60))
