"""Where a run came from: the run whose checkpoint or adapter it goes on from, or whose result is its base model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from studio.recipe.recipe import Recipe
from studio.run.begun_from import begins_with
from studio.run.branch import parent_of
from studio.run.directory import Run


@dataclass(frozen=True)
class Origin:
    """The run that another one came from. `step` is that of the checkpoint where it branched, else 0."""

    run: str
    how: Literal["branched", "went on", "tuned on"]
    step: int = 0


def origin_of(run: Run, recipe: Recipe) -> Origin | None:
    """Where `run`, of which this is the recipe, came from; None where it began with a plain base."""
    if parent := parent_of(run):
        return Origin(parent.run, "branched", parent.step)
    if begun := begins_with(recipe):
        return Origin(begun, "went on")
    if (source := run_of_base(run.path.parent, recipe.model.id)) and source != run.name:
        return Origin(source, "tuned on")
    return None


def run_of_base(runs: Path, base: str) -> str | None:
    """The name of the run in whose folder the base model lies, whether or not it is still there."""
    folder = Path(base)
    return folder.parent.name if folder.is_absolute() and folder.parent.parent == runs else None
