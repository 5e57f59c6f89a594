"""What stands in the way of a recipe and what could be better, each with buttons that move the named control."""

from __future__ import annotations

import json
from html import escape
from typing import Any

import gradio as gr

from studio.errors import StudioError
from studio.knob import knobs
from studio.recipe.problems import Move, Problem
from studio.recipe.read import changed
from studio.recipe.recipe import Recipe
from studio.ui.data.press import button
from studio.ui.draft import Draft, Updates, Values
from studio.ui.form import dashed
from studio.ui.refusal import refusal
from studio.ui.words import note

SIGNS = {"error": "✕", "warning": "!", "advice": "✎"}
WORDS = {"error": "Stands in the way", "warning": "Take care", "advice": "Could be better"}
NOTHING = note("note", "Nothing stands in the way of this recipe. Press Train.")
TABS = {"data": "Data", "model": "Model"}


def advice_html(found: list[Problem], recipe: Recipe) -> str:
    """All of them, the gravest first."""
    if not found:
        return NOTHING
    ranked = sorted(found, key=lambda problem: list(SIGNS).index(problem.severity))
    ready = "" if any(problem.severity == "error" for problem in found) else _ready(len(found))
    return ready + f'<ul class="advice">{"".join(_item(problem, recipe) for problem in ranked)}</ul>'


def moved(draft: Draft, values: Values, pressed: str) -> Updates:
    """The page after a button's changes. What the button did not name stays as it is."""
    verb, _, text = pressed.partition(":")
    if verb != "move":
        return _nothing(draft)
    try:
        changes = json.loads(text)
        before = draft.recipe(values)
        after = changed(before, changes if isinstance(changes, dict) else {})
    except json.JSONDecodeError:
        return _nothing(draft)
    except StudioError as error:
        raise refusal(error, "Not changed") from None
    updates = draft.show_settings(after)
    if after.data != before.data:
        updates[draft.data] = after.data
    if after.model != before.model:
        updates[draft.model] = after.model.id
    return updates


def places(recipe: Recipe, option: str) -> list[str]:
    """Where on the page an option is turned: the ids to open one after the other, the control last.

    A name such as `tab:Data` is a tab of the page.
    """
    part, _, name = option.partition(".")
    if part in TABS:
        return [f"tab:{TABS[part]}", *(["base-model"] if part == "model" else [])]
    if part not in ("task", "method", "training"):
        return []
    holder = getattr(recipe, part)
    knob = next((knob for knob in knobs(type(holder)) if knob.name == name), None)
    prefix = "training" if part == "training" else holder.name
    if knob is None:
        return [] if part == "training" else [part]
    return [*([dashed(prefix, knob.group)] if knob.group else []), dashed(prefix, knob.name)]


def _item(problem: Problem, recipe: Recipe) -> str:
    source = f'<p class="advice-source">{escape(problem.source)}</p>' if problem.source else ""
    buttons = "".join(_move(move, recipe) for move in problem.moves)
    there = places(recipe, problem.option)
    if there:
        says = f"Show me {problem.option}"
        buttons += button("show:", "Show me", says=says, look="quiet", leads_to="|".join(there))
    return (
        f'<li class="note note-{problem.severity}"><b aria-hidden="true">{SIGNS[problem.severity]}</b>'
        f'<div><span class="unseen">{WORDS[problem.severity]}: </span><p>{escape(problem.message)}</p>{source}'
        f'<div class="data-buttons">{buttons}</div></div></li>'
    )


def _move(move: Move, recipe: Recipe) -> str:
    try:
        after = changed(recipe, move.changes)
    except StudioError:
        return ""  # what it would change is no longer there
    last = list(move.changes)[-1] if move.changes else ""
    press = f"move:{json.dumps(dict(move.changes))}"
    return button(press, move.label, look="main", leads_to="|".join(places(after, last)))


def _ready(count: int) -> str:
    what = "one thing" if count == 1 else f"{count} things"
    return note("note", f"Ready to train. There {'is' if count == 1 else 'are'} {what} to think about.")


def _nothing(draft: Draft) -> dict[Any, Any]:
    return {draft.shown: gr.skip()}
