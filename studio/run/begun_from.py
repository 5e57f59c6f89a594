"""A run that goes on training the very adapter of another run, on the same base, so that one adapter comes out.

A copy of that adapter is kept with the run from its making on: whatever becomes of the other run, this one can be
resumed.
"""

from __future__ import annotations

from pathlib import Path

from studio.errors import StudioError
from studio.home import Home
from studio.recipe.methods.low_rank import Lora
from studio.recipe.recipe import Recipe
from studio.recipe.tasks import DirectPreference, LanguageModeling
from studio.run.directory import BEGUN_FROM, Run, find_run

REBUILT = ("adalora", "pissa")
"""Methods of the LoRA family whose result is not the adapter that they train."""
FREE = {"dropout"}
"""Options of a method that say nothing of its adapter."""


def begins_with(recipe: Recipe) -> str:
    """The name of the run whose adapter a recipe goes on with; empty where it wants a new one."""
    return recipe.task.begin_from.strip() if isinstance(recipe.task, DirectPreference) else ""


def run_to_begin_from(home: Home, recipe: Recipe) -> Run | None:
    """The run whose adapter a recipe wants to go on with; None where it wants a new one.

    Raises:
        StudioError: there is no such run, or its adapter does not go with this recipe.
    """
    if not begins_with(recipe):
        return None
    run = find_run(home, begins_with(recipe))
    if reason := _why_not(run, recipe):
        raise StudioError(
            f"You set the run to go on with the adapter of {run.name}, but {reason} To put a new adapter on top of "
            f"what that run learned, leave it empty and set the base model to run:{run.name}."
        )
    return run


def adapter_to_begin_from(home: Home, recipe: Recipe) -> Path | None:
    """The adapter that a recipe wants to go on with; None where it wants a new one.

    Raises:
        StudioError: there is none, or it does not go with this recipe.
    """
    run = run_to_begin_from(home, recipe)
    return run.adapter if run else None


def begun_from(run: Run) -> Path | None:
    """The adapter that `run` goes on with, as it was when the run was made; None where it begins with a new one."""
    kept = run.path / BEGUN_FROM
    return kept if kept.is_dir() else None


def _why_not(run: Run, recipe: Recipe) -> str:
    """Why the recipe cannot go on with the adapter of `run`, as the end of a sentence; empty where it can."""
    theirs, method = run.recipe, recipe.method
    if run.result is None or run.result != run.adapter:
        return f"{'that run has no result (yet)' if run.result is None else 'that run left a whole model'}."
    if not isinstance(theirs.task, LanguageModeling):
        return f"it was trained for another task, {theirs.task.title}."
    if not isinstance(theirs.method, Lora) or theirs.method.name in REBUILT:
        return f"{theirs.method.title} leaves no adapter that can be trained further: LoRA and its close kin do."
    if theirs.model.id != recipe.model.id:
        return f"its base model is {theirs.model.id} and yours is {recipe.model.id}. Set model.id to the same."
    asked, there = method.model_dump(exclude=FREE), theirs.method.model_dump(exclude=FREE)
    if asked != there:
        other = ", ".join(f"method.{key} {value}" for key, value in there.items() if asked.get(key, None) != value)
        return f"its method is another one. Set {other or f'the method to {theirs.method.title}'}, as it was there."
    return ""
