"""A new run that goes on from a checkpoint of another one, with some sliders moved; the other run stays as it is.

With nothing but more epochs it is how a finished run is extended.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from studio.errors import StudioError
from studio.home import Home
from studio.recipe.read import changed
from studio.recipe.recipe import Recipe
from studio.recipe.training import TrainingPart
from studio.run.directory import BEGUN_FROM, Run, drafted, name_run, step_of
from studio.run.events import Branched, EventWriter, Look, that_count
from studio.run.looks.film import ASKED
from studio.run.looks.probes import PROBES
from studio.run.manifest import RECIPE, flaw, seal
from studio.run.row_losses.record import copy_until

STATE = "trainer_state.json"
PARENT = "branch.json"
FIXED = frozenset(
    {
        "seed",
        "batch_size",
        "gradient_accumulation",
        "packing",
        "group_by_length",
        "max_length",
        "precision",
        "optimizer",
    }
)
"""Training options that a checkpoint is bound to: its place in the data and the state of its optimiser."""


class Parent(BaseModel):
    """Which checkpoint a run goes on from: whose, and of which step."""

    model_config = ConfigDict(frozen=True)
    run: str = Field(max_length=255)
    step: int = Field(ge=0)


def may_change() -> list[str]:
    """The options, as dotted keys, that a branch may have otherwise than its parent."""
    return [f"training.{name}" for name in TrainingPart.model_fields if name not in FIXED]


def parent_of(run: Run) -> Parent | None:
    """What a run goes on from, or None where it began with the base model."""
    try:
        return Parent.model_validate_json((run.path / PARENT).read_bytes())
    except (OSError, ValueError):
        return None


def branch(home: Home, run: Run, step: int, changes: Mapping[str, Any]) -> Run:
    """Make a run that goes on from `run`'s checkpoint of `step` with `changes` (dotted keys), and put it in the queue.

    Raises:
        StudioError: there is no such checkpoint, it is damaged, or a change does not go with it.
    """
    checkpoint = run.path / "checkpoints" / f"checkpoint-{step}"
    if not checkpoint.is_dir():
        kept = ", ".join(f"{step_of(path):,}" for path in run.checkpoints()) or "none"
        raise StudioError(f"The run {run.name} has no checkpoint of step {step:,}. It has: {kept}.")
    if found := flaw(checkpoint, run):
        raise StudioError(f"The checkpoint of step {step:,} cannot be gone on from: {found}. Choose another one.")
    recipe = _changed(run.recipe, changes)
    with drafted(home, "The branch could not be written to {runs} ({why}). Free some space") as draft:
        _write(draft, run, recipe, checkpoint)
        return name_run(home, draft)


def extend(home: Home, run: Run, epochs: float) -> Run:
    """Go on from the newest checkpoint of a run that is over for `epochs` more, as a new run.

    Raises:
        StudioError: it is not over, or has no checkpoint.
    """
    if not run.status().over:
        raise StudioError(f"The run {run.name} is {run.status().value}. It can be extended when it is over.")
    found = run.checkpoints()
    if not found:
        raise StudioError(
            f"The run {run.name} kept no checkpoint. Train again from its recipe with more epochs, and set "
            "training.save_steps, so that one is kept."
        )
    training = run.recipe.training
    changes: dict[str, Any] = {"training.epochs": training.epochs + epochs}
    if training.max_steps:
        changes = {"training.max_steps": round(training.max_steps * (1 + epochs / training.epochs))}
    return branch(home, run, step_of(found[-1]), changes)


def _changed(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    fixed = sorted(set(changes) - set(may_change()))
    if fixed:
        raise StudioError(
            f"A branch goes on with its parent's rows, model, method and batch, so {', '.join(fixed)} cannot change. "
            "Start a new run for that."
        )
    return changed(recipe, changes)


def _write(draft: Path, run: Run, recipe: Recipe, checkpoint: Path) -> None:
    draft.mkdir()
    shutil.copytree(run.path / "data", draft / "data")
    if (run.path / BEGUN_FROM).is_dir():
        shutil.copytree(run.path / BEGUN_FROM, draft / BEGUN_FROM)
    for name in (ASKED, PROBES):
        if (run.path / name).is_file():
            shutil.copy(run.path / name, draft / name)
    (draft / "recipe.yaml").write_text(recipe.to_yaml(), "utf-8")
    step = step_of(checkpoint)
    copy_until(run.path, draft, step)
    (draft / PARENT).write_text(Parent(run=run.name, step=step).model_dump_json(), "utf-8")
    state = json.loads((checkpoint / STATE).read_text("utf-8"))
    best = Path(state.get("best_model_checkpoint") or "").name
    for name in {checkpoint.name, best} - {""}:
        if (run.path / "checkpoints" / name).is_dir():
            shutil.copytree(run.path / "checkpoints" / name, draft / "checkpoints" / name)
    if not (draft / "checkpoints" / best).is_dir():
        state |= {"best_model_checkpoint": None, "best_metric": None, "best_global_step": None}
    (draft / "checkpoints" / checkpoint.name / STATE).write_text(json.dumps(state), "utf-8")
    for copied in (draft / "checkpoints").iterdir():
        shutil.copy(draft / RECIPE, copied)
        seal(copied, Run(draft))
    looks = [event for event in that_count(run.events()[0]) if isinstance(event, Look) and event.step <= step]
    with EventWriter(draft / "events.jsonl") as events:
        for look in looks:  # what it forgets is measured against the same first look
            events.write(Look(step=look.step, texts=look.texts, right=look.right, sure=look.sure))
        events.write(Branched(run=run.name, step=step))
