"""What happens when a button of the Run tab is pressed: a wish for a run, or a new run made from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr
import yaml

from studio.errors import StudioError
from studio.recipe.read import changed
from studio.recipe.recipe import Recipe
from studio.run.branch import branch, extend
from studio.run.directory import Run, find_run
from studio.run.escalation import end_now
from studio.run.order import move
from studio.run.resume import resume
from studio.run.submit import submit
from studio.run.wish import Wish
from studio.ui.run_acts import moves_for
from studio.ui.studio import Studio

PART = "training."
WISHES = {
    "stop": (Wish.STOP, "It ends at the next step. What was learned is kept."),
    "pause": (Wish.PAUSE, "It pauses at the next step. A checkpoint is kept to go on from."),
    "cancel": (Wish.CANCEL, "Cancelled. Its recipe, rows and log are kept."),
}


def press(studio: Studio, pressed: str, text: str) -> Run | None:
    """Do what a button says, such as "stop:RUN". `text` is what stands in the button's fields, as JSON.

    Returns:
        A run that was made thereby, to be shown.

    Raises:
        StudioError: it cannot be done as things stand.
    """
    verb, _, rest = pressed.partition(":")
    name, _, place = rest.partition(":")
    run = find_run(studio.home, name)
    if verb in WISHES:
        wish, words = WISHES[verb]
        run.ask(wish)
        gr.Info(words)
    elif verb in OF_A_RUN:
        OF_A_RUN[verb](studio, run)
    elif verb in NEW:
        made = NEW[verb](studio, run, fields_of(text) | {"place": place})
        gr.Info(f"In the queue as {made.name}.")
        studio.queue.poke()
        return made
    studio.queue.poke()
    return None


def _resume(studio: Studio, run: Run) -> None:
    step = resume(run)
    gr.Info(f"It goes on from step {step:,}." if step else "It begins anew.")


def _end(studio: Studio, run: Run) -> None:
    gr.Info(f"It was ended: {end_now(run).value}.")


def _branch(studio: Studio, run: Run, fields: Mapping[str, str]) -> Run:
    step = fields.get("step", "")
    if not step.isdigit():
        raise StudioError("No checkpoint is chosen. Choose the step to branch from.")
    return branch(studio.home, run, int(step), branch_changes(run.recipe, fields))


def _extend(studio: Studio, run: Run, fields: Mapping[str, str]) -> Run:
    return extend(studio.home, run, _number("More epochs", fields.get("epochs", "")))


def _try(studio: Studio, run: Run, fields: Mapping[str, str]) -> Run:
    recipe = helped(run, fields["place"])
    if recipe.data.path:
        studio.desk.prepare(recipe.data)  # a large file is read by the child, not by the page
    return submit(studio.home, recipe)


OF_A_RUN: Mapping[str, Callable[[Studio, Run], Any]] = {
    "resume": _resume,
    "end": _end,
    "sooner": lambda studio, run: move(studio.home, run, -1),
    "later": lambda studio, run: move(studio.home, run, 1),
}
NEW: Mapping[str, Callable[[Studio, Run, Mapping[str, str]], Run]] = {
    "branch": _branch,
    "extend": _extend,
    "try": _try,
}


def helped(run: Run, place: str) -> Recipe:
    """The recipe of a run with the change at `place` of those that would help. Raises StudioError where none does."""
    moves = moves_for(run)
    if not place.isdigit() or int(place) >= len(moves):
        raise StudioError("This run has changed meanwhile. Look again at what is offered, and press once more.")
    return changed(run.recipe, moves[int(place)].changes)


def branch_changes(recipe: Recipe, fields: Mapping[str, str]) -> dict[str, Any]:
    """What the fields of a branch have otherwise than the recipe, by dotted key.

    Raises:
        StudioError: a field that is no number, or other settings that are not written as key=value.
    """
    wanted: dict[str, Any] = {}
    for key, label in (("learning_rate", "Learning rate"), ("epochs", "Epochs"), ("max_steps", "Steps")):
        if fields.get(key, "").strip():
            wanted[PART + key] = _number(label, fields[key])
    if schedule := fields.get("schedule"):
        wanted[f"{PART}schedule"] = schedule
    now = recipe.model_dump()["training"]
    different = {key: value for key, value in wanted.items() if not _same(now[key.removeprefix(PART)], value)}
    return different | _settings(fields.get("more", ""))


def _same(now: Any, value: Any) -> bool:
    """Whether a field still says what it said when it was drawn: numbers are shown with six digits."""
    return now == value or (isinstance(now, int | float) and f"{now:g}" == f"{value:g}")


def _settings(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for piece in filter(None, (piece.strip() for piece in text.replace("\n", ",").split(","))):
        key, equals, value = (part.strip() for part in piece.partition("="))
        if not equals or not key or not value:
            raise StudioError(f"{piece!r:.80} is no setting. Write key=value, such as weight_decay=0.1.")
        try:
            found[key if "." in key else PART + key] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise StudioError(
                f"The value of {key!r:.40} cannot be read. Write a number, true, false or a word."
            ) from None
    return found


def _number(label: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise StudioError(f"{label}: {text!r:.40} is no number. Write one such as 0.0002 or 2e-4.") from None


def fields_of(text: str) -> dict[str, str]:
    """What a group of fields sent. Empty where a page sent anything else."""
    try:
        sent = json.loads(text or "{}")
    except ValueError:
        return {}
    return {str(key): value for key, value in sent.items() if isinstance(value, str)} if isinstance(sent, dict) else {}
