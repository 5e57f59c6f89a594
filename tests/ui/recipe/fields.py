"""The Recipe tab without a browser: its draft, and the values that its components hold after updates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from studio.home import open_home
from studio.recipe.presets import DEFAULT, preset_named
from studio.recipe.recipe import Recipe
from studio.run.launchers import ThreadLauncher
from studio.ui.draft import Draft, Updates, Values, new_states
from studio.ui.recipe import tab
from studio.ui.studio import Studio


def studio_in(folder: Path) -> Studio:
    """A studio whose home is in this folder."""
    return Studio(open_home(folder / "home"), ThreadLauncher())


def drawn(studio: Studio, start: Recipe | None = None) -> tab.RecipeTab:
    """The tab, showing the default preset or `start`."""
    start = start or preset_named(DEFAULT).recipe
    with gr.Blocks():
        return tab.build(studio, start, *new_states(start), gr.Tab("Recipe"))


def values_of(draft: Draft) -> dict[Any, Any]:
    """What the components hold when the page has just opened."""
    return {component: component.value for component in draft.components}


def after(values: Values, updates: Updates) -> dict[Any, Any]:
    """What the components hold after these updates."""
    new = dict(values)
    for component, update in updates.items():
        if component not in new:
            continue
        if not isinstance(update, dict):
            new[component] = update
        elif "value" in update:
            new[component] = update["value"]
    return new


def seen_forms(updates: Updates, groups: Any) -> list[str]:
    """The names of the groups that these updates show."""
    return [name for name, group in groups.items() if updates[group]["visible"]]
