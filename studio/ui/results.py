"""The runs that left a result, as a chooser offers them."""

from __future__ import annotations

from collections.abc import Sequence

from studio.errors import StudioError
from studio.run.directory import Run, Status

READY = frozenset({Status.FINISHED, Status.STOPPED})


def has_result(run: Run, status: Status) -> bool:
    """Whether something came out of a run that is over."""
    return status in READY and run.result is not None


def result_choices(runs: Sequence[tuple[Run, Status]]) -> list[tuple[str, str]]:
    """The runs that left a result: (label, name)."""
    return [(f"{run.name} · {_base_of(run)} · {status}", run.name) for run, status in runs if has_result(run, status)]


def _base_of(run: Run) -> str:
    try:
        return run.recipe.model.id
    except StudioError:
        return "its recipe is damaged"
