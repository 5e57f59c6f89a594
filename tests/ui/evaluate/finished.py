"""Evaluation folders as a child leaves them, written without any model: for tests of what looks at them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from studio.answer.evaluation.answered import AnsweredRow, Read
from studio.answer.evaluation.events import Worked
from studio.answer.evaluation.folder import EVALUATIONS, Evaluation, make_evaluation
from studio.answer.evaluation.request import Contestant, Request
from studio.answer.evaluation.result import Result
from studio.answer.metrics.scoring import score_rows
from studio.answer.voice import BASE, Voice
from studio.data.example import Example, Examples
from studio.home import Home
from studio.run.directory import Run
from studio.run.events import Ended, EventWriter

COLOURS = ("red", "green", "blue", "white")
HOSTILE = "<script>window.hurt = 1</script><img src=x onerror='window.hurt = 2'>"


def colour_rows(number: int = 24, **more: str) -> list[AnsweredRow]:
    """The base always says red and so is right in one of four; the tuned model is wrong in each sixth row.

    Row 1 (of those that the base has right) is broken: the tuned model says something hostile there.
    """
    rows = []
    for place in range(number):
        right = COLOURS[place % len(COLOURS)]
        tuned = "grey" if place % 6 == 5 else right
        answers = {"base": "red", "few-shot": right if place % 2 else "red", "tuned": tuned}
        if place == 0:
            answers["tuned"] = f"{HOSTILE} green"
        read = {name: Read(nats=nats, tokens=2) for name, nats in (("base", 6.0), ("tuned", 0.2 + place / 50))}
        rows.append(
            AnsweredRow(
                row=place + 1,
                prompt=f"Colour {place + 1}?",
                reference=right,
                answers=answers,
                read=read,
                label=right,
                **more,
            )
        )
    return rows


def request_of(run: Run, **more: object) -> Request:
    """Base, base with examples and tuned model of a run."""
    base = Voice.of_run(str(run.path), BASE)
    contestants = (
        Contestant(name="base", voice=base),
        Contestant(name="few-shot", voice=base, shots=5),
        Contestant(name="tuned", voice=Voice.of_run(str(run.path))),
    )
    return Request.model_validate({"contestants": contestants, "rows_are": "all 24 held-out rows"} | more)


def waiting(parent: Path, request: Request, rows: Sequence[AnsweredRow]) -> Evaluation:
    """One that waits for its turn."""
    asked = [Example(each.row, each.prompt, each.reference, label=each.label) for each in rows]
    return make_evaluation(parent, request, Examples.of(asked))


def finished(run: Run, rows: Sequence[AnsweredRow] | None = None, **more: object) -> Evaluation:
    """A finished evaluation of a run; `more` are fields of its request."""
    rows = colour_rows() if rows is None else rows
    return _whole(run.path / EVALUATIONS, request_of(run, **more), rows)


def _whole(parent: Path, request: Request, rows: Sequence[AnsweredRow]) -> Evaluation:
    """Made in a folder of its own and moved there, so that an examiner never sees it wait."""
    made = waiting(parent.parent / ".made", request, rows)
    _finish(made, rows)
    parent.mkdir(exist_ok=True)
    return Evaluation(made.path.rename(parent / made.id))


def baseline(home: Home, run: Run, rows: Sequence[AnsweredRow] | None = None) -> Evaluation:
    """A finished evaluation of a base, from before any training."""
    rows = colour_rows(12) if rows is None else rows
    plain = [row.model_copy(update={"answers": {k: row.answers[k] for k in ("base", "few-shot")}}) for row in rows]
    asked = request_of(run)
    request = asked.model_copy(
        update={"kind": "baseline", "title": "colours.csv", "contestants": asked.contestants[:2]}
    )
    return _whole(home.baselines, request, plain)


def _finish(evaluation: Evaluation, rows: Sequence[AnsweredRow]) -> None:
    """What a child leaves at the end."""
    lines = [row.model_dump_json(exclude_defaults=True) for row in rows]
    (evaluation.path / "answered.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    scores = score_rows(rows, evaluation.request)
    result = Result(scores=scores, skipped=[7], notes=["Nothing odd."], max_new_tokens=16, seconds=2.5)
    (evaluation.path / "result.json").write_text(result.model_dump_json(exclude={"scores": {"values"}}), "utf-8")
    with EventWriter(evaluation.events_path) as events:
        events.write(Worked(what="Answering", done=len(rows), of=len(rows), share=1.0))
        events.write(Ended(kind="finished", step=len(rows)))
