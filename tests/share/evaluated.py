"""A finished evaluation of a run, written without any model: what its page, its card and its report are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from studio.answer.evaluation.answered import AnsweredRow
from studio.answer.evaluation.folder import EVALUATIONS, Evaluation, make_evaluation
from studio.answer.evaluation.request import BASE, FEW_SHOT, TUNED, Contestant, Request
from studio.answer.evaluation.result import Result
from studio.answer.metrics.scoring import score_rows
from studio.answer.voice import BASE as OF_BASE
from studio.answer.voice import Voice
from studio.data.example import Example, Examples
from studio.run.directory import Run


def evaluated(
    run: Run, rows: Sequence[AnsweredRow], kind: Literal["scores", "drift"] = "scores", title: str = ""
) -> Evaluation:
    """An evaluation with these rows, in which base and tuned model answered, and few-shot where a row says so."""
    shown = [Contestant(name=FEW_SHOT, voice=Voice.of_run(run.name, OF_BASE), shots=5)]
    request = Request(
        kind=kind,
        title=title,
        contestants=(
            Contestant(name=BASE, voice=Voice.of_run(run.name, OF_BASE)),
            *(shown if any(FEW_SHOT in row.answers for row in rows) else []),
            Contestant(name=TUNED, voice=Voice.of_run(run.name)),
        ),
        rows_are=f"all {len(rows)} held-out rows",
    )
    asked = Examples.of([Example(row.row, row.prompt, row.reference) for row in rows])
    evaluation = make_evaluation(run.path / EVALUATIONS, request, asked)
    result = Result(scores=score_rows(rows, request), skipped=[], max_new_tokens=32, seconds=1.0)
    lines = "".join(f"{row.model_dump_json(exclude_defaults=True)}\n" for row in rows)
    (evaluation.path / "answered.jsonl").write_text(lines, "utf-8")
    (evaluation.path / "result.json").write_text(result.model_dump_json(exclude={"scores": {"values"}}), "utf-8")
    return evaluation
