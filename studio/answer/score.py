"""The held-out rows of a run, answered by base and tuned model and judged."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from studio.answer.metrics import METRICS
from studio.answer.wire import SPEAKERS, Speaker
from studio.errors import StudioError
from studio.intervals import interval
from studio.run.directory import Run

Progress = Callable[[int, int], None]
Interval = tuple[float, float]
ByMetric = dict[str, list[float]]


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
    the model cannot hold; they are in no mean.
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


def score(run: Run, limit: int | None = None, on_progress: Progress | None = None) -> Score:
    """Let base and tuned model answer the held-out rows greedily, judge them, and keep the result with the run.

    Loads the model into this process. The result lies in `evaluations/` of the run.

    Args:
        run: a run with an adapter.
        limit: only the first so many rows.
        on_progress: called with answers so far and answers in all.

    Raises:
        StudioError: nothing is held out, or the run cannot be asked.
    """
    pairs = run.examples("held_out")[:limit]
    if not pairs:
        raise StudioError(
            f"The run {run.name} held no rows out, so there is nothing to score it by. "
            "Train again with a held-out share (0.1 is usual) or a held-out file."
        )
    from studio.answer.engine import Engine
    from studio.answer.held_out import prepare_exam

    began = time.monotonic()
    exam = prepare_exam(Engine().load(run), pairs)
    count = _Count(len(SPEAKERS) * len(exam.prompts), on_progress)
    base, tuned = exam.answers(tuned=False, done=count.add), exam.answers(tuned=True, done=count.add)
    rows = [
        ScoredRow(row=pair.row, prompt=pair.prompt, reference=pair.completion, base=base[i], tuned=tuned[i])
        for i, pair in enumerate(pairs)
        if i in base
    ]
    values = judge(rows)
    result = Score(
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
    _keep(result, run.path / "evaluations" / ("held-out.json" if limit is None else f"held-out-first-{limit}.json"))
    return result


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
