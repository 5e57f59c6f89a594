"""What the page is told of an evaluation: a line in the list, and the whole of one that is opened."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from studio.answer.drift import drift
from studio.answer.evaluation.added_rules import added_rules
from studio.answer.evaluation.folder import Evaluation
from studio.answer.evaluation.request import BASE, FEW_SHOT, TUNED, Contestant, Request
from studio.data.wording import counted
from studio.errors import StudioError
from studio.run.directory import Status
from studio.ui.evaluate.looks import Look, Looks, stamp_of, written
from studio.ui.routes import Json

UNDER_WAY = (Status.WAITING, Status.RUNNING, Status.STOPPING)
MOST_LINES = 50
_STEP = re.compile(r"checkpoint-(\d+)")


def label_of(contestant: Contestant) -> str:
    """What a contestant is called on the page."""
    if contestant.name == FEW_SHOT:
        return f"Base + {counted(contestant.shots, 'example')}"
    if step := _STEP.fullmatch(contestant.name):
        return f"Step {step[1]}"
    return {BASE: "Base", TUNED: "Tuned"}.get(contestant.name, contestant.name)


def line_of(evaluation: Evaluation) -> Json | None:
    """One line of the list; None where the folder is damaged or gone meanwhile."""
    try:
        request, status = evaluation.request, evaluation.status()
        progress = evaluation.progress()
        result = evaluation.result() if status is Status.FINISHED else None
        began = (evaluation.path / "request.json").stat().st_mtime
        error = evaluation.error()
    except (StudioError, OSError):
        return None
    return {
        **_about(evaluation, request),
        "status": str(status),
        "active": status in UNDER_WAY,
        "began": began,
        "progress": {"what": progress.what, "done": progress.done, "of": progress.of, "left": progress.seconds_left},
        "headline": result.scores.headline if result and request.kind != "drift" else "",
        "error": error,
    }


def _about(evaluation: Evaluation, request: Request) -> Json:
    return {
        "id": evaluation.id,
        "kind": request.kind,
        "title": request.title,
        "rows_are": request.rows_are,
        "contestants": [{"name": each.name, "label": label_of(each)} for each in request.contestants],
        "stamp": "-".join(map(str, stamp_of(evaluation))),
    }


def lines_of(evaluations: Sequence[Evaluation]) -> list[Json]:
    """The list, newest first, without what cannot be read."""
    return [line for each in evaluations[:MOST_LINES] if (line := line_of(each)) is not None]


def opened(evaluation: Evaluation, looks: Looks) -> Json:
    """The whole of a finished evaluation but its rows.

    Raises:
        StudioError: it is not finished, or cannot be read (any more).
    """
    request = evaluation.request
    if request.kind == "drift":
        run = evaluation.run
        if run is None:
            raise StudioError("This evaluation belongs to no run. Choose another one.")
        return {**_about(evaluation, request), "drift": drift(run, evaluation).model_dump(mode="json")}
    return scored(looks.at(evaluation) if added_rules(evaluation) else written(evaluation))


def scored(look: Look) -> Json:
    """The scores as the page draws them."""
    return {
        **_about(look.evaluation, look.request),
        "scores": look.scores.model_dump(mode="json", exclude={"values"}),
        "skipped": look.result.skipped,
        "notes": look.result.notes,
        "seconds": look.result.seconds,
        "rules": [rule.model_dump() for rule in look.request.rules],
        "added": [rule.model_dump() for rule in look.added],
        "file": _file(look),
        "judge": look.request.judge.model if look.request.judge else "",
    }


def _file(look: Look) -> str:
    """What the rows' numbers count the rows of; empty where that is not known."""
    run = look.evaluation.run
    try:
        return (PurePath(run.recipe.data.held_out_path).name or str(run.source().get("name", ""))) if run else ""
    except (StudioError, OSError, ValueError):
        return ""
