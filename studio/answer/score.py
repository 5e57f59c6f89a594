"""The held-out rows of a run, answered by base and tuned model and judged."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from studio.answer.old_metrics import CLASS_METRICS, METRICS
from studio.answer.voice import BASE, Voice
from studio.answer.wire import SPEAKERS, Speaker
from studio.data.example import Examples, asked_text
from studio.errors import StudioError
from studio.intervals import interval, interval_of
from studio.recipe.tasks import MaskedLanguageModeling, SequenceClassification
from studio.run.directory import Run

Progress = Callable[[int, int], None]
Interval = tuple[float, float]
ByMetric = dict[str, list[float]]
Figure = Callable[[np.ndarray, np.ndarray], float]


class ScoredRow(BaseModel):
    """A held-out row and what was answered. `row` is its number in the source file."""

    model_config = ConfigDict(frozen=True)
    row: int
    prompt: str
    reference: str
    base: str
    tuned: str


class Score(BaseModel):
    """How well base and tuned model do the task: means between 0 and 1, with 95 % intervals.

    `differences` are intervals of tuned minus base, judged row by row. `skipped` are the numbers of rows whose prompt
    the model cannot hold; they are in no mean. `base_is` says in words what stands for the base where it is not the
    base model itself.
    """

    model_config = ConfigDict(frozen=True)
    run: str
    n: int
    scores: dict[Speaker, dict[str, float]]
    intervals: dict[Speaker, dict[str, Interval]]
    differences: dict[str, Interval]
    skipped: list[int]
    max_new_tokens: int
    seconds: float
    rows: list[ScoredRow]
    base_is: str = ""


def score(run: Run, limit: int | None = None, on_progress: Progress | None = None) -> Score:
    """Let base and tuned model answer the held-out rows greedily, judge them, and keep the result with the run.

    Loads the model into this process. The result lies in `evaluations/` of the run. A classifier is judged by the
    classes it names; its base has no head for them, so the most frequent class of the training rows stands for it.

    Args:
        run: a run with a result.
        limit: only the first so many rows.
        on_progress: called with answers so far and answers in all.

    Raises:
        StudioError: nothing is held out, or the run cannot be asked.
    """
    pairs, task = run.examples("held_out")[:limit], run.recipe.task
    if not pairs:
        raise StudioError(
            f"The run {run.name} held no rows out, so there is nothing to score it by. "
            "Train again with a held-out share (0.1 is usual) or a held-out file."
        )
    if isinstance(task, MaskedLanguageModeling):
        raise StudioError(
            f"The run {run.name} learned to fill gaps, which has no right answers to score. "
            "Look at its held-out loss instead, or classify with the model that came out of it."
        )
    classifies = isinstance(task, SequenceClassification)
    result = (_score_classes if classifies else _score_answers)(run, pairs, on_progress)
    _keep(result, run.path / "evaluations" / ("held-out.json" if limit is None else f"held-out-first-{limit}.json"))
    return result


def _score_answers(run: Run, pairs: Examples, on_progress: Progress | None) -> Score:
    from studio.answer.engine import Engine
    from studio.answer.held_out import prepare_exam

    began = time.monotonic()
    seats = Engine().seats([Voice.of_run(str(run.path), BASE), Voice.of_run(str(run.path))])
    exam = prepare_exam(seats, pairs)
    count = _Count(len(seats) * len(exam.prompts), on_progress)
    in_order = sorted(seats, key=lambda seat: seat.in_turn)
    answers = {seat.voice.is_base: exam.answers(seat, count.add) for seat in in_order}
    base, tuned = answers[True], answers[False]
    rows = [
        ScoredRow(row=pair.row, prompt=pair.prompt, reference=pair.completion, base=base[i], tuned=tuned[i])
        for i, pair in enumerate(pairs)
        if i in base
    ]
    values = judge(rows)
    return Score(
        run=run.name,
        n=len(rows),
        scores={who: {name: sum(v) / len(v) for name, v in of_who.items()} for who, of_who in values.items()},
        intervals={who: {name: interval(v) for name, v in of_who.items()} for who, of_who in values.items()},
        differences=_differences(values),
        skipped=[pair.row for i, pair in enumerate(pairs) if i not in base],
        max_new_tokens=exam.longest_answer,
        seconds=time.monotonic() - began,
        rows=rows,
    )


def _score_classes(run: Run, pairs: Examples, on_progress: Progress | None) -> Score:
    from studio.answer.engine import Engine
    from studio.answer.reading import class_shares

    began = time.monotonic()
    usual = _most_frequent(run)
    texts = [asked_text(pair.prompt, pair.completion, pair.messages) for pair in pairs]
    (seat,) = Engine().seats([Voice.of_run(str(run.path))])
    shares = class_shares(seat, texts, _Count(len(texts), on_progress).add)
    rows = [
        ScoredRow(
            row=pair.row, prompt=texts[i], reference=pair.completion.strip(), base=usual, tuned=_likeliest(shares[i])
        )
        for i, pair in enumerate(pairs)
        if i in shares
    ]
    scores, intervals, differences = judge_classes(rows)
    return Score(
        run=run.name,
        n=len(rows),
        scores=scores,
        intervals=intervals,
        differences=differences,
        skipped=[pair.row for i, pair in enumerate(pairs) if i not in shares],
        max_new_tokens=0,
        seconds=time.monotonic() - began,
        rows=rows,
        base_is=f"always the most frequent class of the training rows, {usual!r}: the base has no head for the classes",
    )


def _most_frequent(run: Run) -> str:
    counts = Counter(str(text).strip() for text in run.examples("train").column("completion").to_pylist())
    return counts.most_common(1)[0][0]


def _likeliest(shares: dict[str, float]) -> str:
    return max(shares, key=lambda label: shares[label])


def judge_classes(
    rows: list[ScoredRow],
) -> tuple[dict[Speaker, dict[str, float]], dict[Speaker, dict[str, Interval]], dict[str, Interval]]:
    """Each speaker's figures, their intervals, and the intervals of tuned minus base."""
    texts = np.array([[row.reference, row.base, row.tuned] for row in rows])
    right, base, tuned = np.unique(texts, return_inverse=True)[1].reshape(texts.shape).T
    named: dict[Speaker, np.ndarray] = {"base": base, "tuned": tuned}

    def difference(figure: Figure) -> Callable[[np.ndarray], float]:
        return lambda drawn: figure(tuned[drawn], right[drawn]) - figure(base[drawn], right[drawn])

    def alone(figure: Figure, who: Speaker) -> Callable[[np.ndarray], float]:
        return lambda drawn: figure(named[who][drawn], right[drawn])

    return (
        {who: {each.name: each.figure(named[who], right) for each in CLASS_METRICS} for who in SPEAKERS},
        {
            who: {each.name: interval_of(alone(each.figure, who), len(rows)) for each in CLASS_METRICS}
            for who in SPEAKERS
        },
        {each.name: interval_of(difference(each.figure), len(rows)) for each in CLASS_METRICS},
    )


def judge(rows: list[ScoredRow]) -> dict[Speaker, ByMetric]:
    """Each speaker's value in each row, by every metric that fits the references."""
    references = [row.reference for row in rows]
    said: dict[Speaker, list[str]] = {"base": [row.base for row in rows], "tuned": [row.tuned for row in rows]}
    metrics = [metric for metric in METRICS if metric.fits(references)]
    return {who: {m.name: m.per_row(answers, references) for m in metrics} for who, answers in said.items()}


class _Count:
    """Adds up finished rows for whoever wants to see progress."""

    def __init__(self, total: int, on_progress: Progress | None) -> None:
        self._done, self._total, self._on_progress = 0, total, on_progress

    def add(self, rows: int) -> None:
        self._done += rows
        if self._on_progress:
            self._on_progress(self._done, self._total)


def _differences(values: dict[Speaker, ByMetric]) -> dict[str, Interval]:
    return {
        name: interval([after - before for before, after in zip(values["base"][name], tuned, strict=True)])
        for name, tuned in values["tuned"].items()
    }


def _keep(result: Score, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(result.model_dump_json(indent=1), "utf-8")
    draft.replace(path)
