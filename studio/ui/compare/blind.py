"""The blind vote. The page is drawn by assets/compare/blind.js from its routes; what fills the recipe comes here."""

from __future__ import annotations

import gradio as gr

from studio.answer.votes.kept import read_votes
from studio.answer.votes.pairs import SENSIBLE, keep_pairs, pairs_of
from studio.answer.votes.tuning import preference_recipe
from studio.data.wording import counted
from studio.errors import StudioError
from studio.run.directory import find_run
from studio.ui.data.press import pressed
from studio.ui.draft import Draft, Updates
from studio.ui.refusal import refusal
from studio.ui.studio import Studio

SCRIPT = """
import(new URL("studio/compare/assets/blind.js", document.baseURI).href)
  .then(({ open }) => open(element, trigger))
  .catch(() => { element.textContent = "The blind vote could not be loaded. Reload the page."; });
"""


def build(studio: Studio, draft: Draft, tabs: gr.Tabs) -> gr.HTML:
    """Draw the frame and connect it to the recipe of the next run."""
    frame = gr.HTML(
        '<section class="blind" aria-label="Blind vote"></section>',
        elem_id="blind",
        js_on_load=SCRIPT,
        apply_default_css=False,
    )

    def on_tune(event: gr.EventData) -> Updates:
        return tune_on_votes(studio, draft, pressed(event)[0].partition(":")[2]) | {tabs: gr.Tabs(selected="Recipe")}

    frame.submit(on_tune, None, [*draft.outputs, tabs], show_progress="minimal")
    return frame


def tune_on_votes(studio: Studio, draft: Draft, name: str) -> Updates:
    """Take the votes of a run as the data of the next recipe, what the run learned as its start, and DPO as its task.

    Where the run's adapter can be trained further, that is done; else a new one goes on top of the run's whole model.
    """
    try:
        run = find_run(studio.home, name)
        pairs = pairs_of(read_votes(run))
        path = keep_pairs(studio.home.uploads, pairs, f"votes of {run.name}")
        recipe = preference_recipe(studio.home, run, str(path))
    except StudioError as error:
        raise refusal(error, "Not taken over") from None
    few = f" {SENSIBLE} or more are sensible; with fewer it learns little but these." if len(pairs) < SENSIBLE else ""
    gr.Info(f"{counted(len(pairs), 'pair')} from the votes of {run.name} are the data of the next recipe.{few}")
    return draft.show_settings(recipe) | draft.show_choices(recipe)
