"""Rows as the model sees them: through its chat template and its tokenizer, with what is trained on and what is cut."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.data.part import DataPart
from studio.errors import StudioError
from studio.recipe.recipe import TrainingPart
from studio.ui.data.section import Section
from studio.ui.data.token_html import look_html
from studio.ui.studio import Studio
from studio.ui.words import note, notes

CHOICES = [("First row", "first"), ("Longest", "longest"), ("Shortest", "shortest"), ("Another one", "search")]
SOON = 0.5  # seconds after which a row is looked at that was not asked for by a press
WAIT = '<p class="data-quiet" role="status">The row is being read as the model reads it …</p>'
NOTHING = '<p class="data-quiet">A row is shown here, as the model sees it, as soon as there are rows.</p>'
ASK = '<p class="data-quiet">Type words of a row, or its number, and press Enter.</p>'

Updates = list[Any]


def build(studio: Studio, data: gr.State, model: gr.State, max_length: Component) -> Section:
    """Draw the section and connect it. `max_length` holds the longest row of the recipe, in tokens."""
    with gr.Row(equal_height=False):
        which = gr.Radio(CHOICES, value="first", label="Row", elem_id="preview-which", min_width=300)
        text = gr.Textbox(
            label="Search",
            placeholder="Words of a row, or its number",
            elem_id="preview-search",
            min_width=200,
        )
        white = gr.Checkbox(False, label="Show blanks and line ends", elem_id="preview-white", min_width=200)
    shown = gr.HTML(NOTHING, elem_id="preview", apply_default_css=False)
    timer = gr.Timer(SOON, active=False)
    inputs = [data, model, max_length, which, text, white]
    look = partial(see, studio)
    which.input(look, inputs, [shown, timer], show_progress="hidden")
    white.input(look, inputs, [shown, timer], show_progress="hidden")
    text.submit(lambda: "search", None, which).then(look, inputs, [shown, timer], show_progress="hidden")
    timer.tick(look, inputs, [shown, timer], show_progress="hidden", trigger_mode="once")
    changed: list[Any] = [data, model, max_length]
    gr.on([each.change for each in changed], show, [data, model], [shown, timer], show_progress="hidden")
    return Section([shown, timer], show)


def show(part: DataPart, model: str) -> Updates:
    """That a row will be shown: looking at it takes a tokenizer, for which an opening page does not wait."""
    return [WAIT if part.path else NOTHING, gr.Timer(active=bool(part.path))]


def see(
    studio: Studio, part: DataPart, model: str, max_length: float | None, which: str, text: str, white: bool
) -> Updates:
    """The row that was chosen, token by token, with what is odd about the template; and no further look by itself."""
    return [_seen(studio, part, model, max_length, which, text.strip(), white), gr.Timer(active=False)]


def _seen(
    studio: Studio, part: DataPart, model: str, max_length: float | None, which: str, text: str, white: bool
) -> str:
    if not part.path:
        return NOTHING
    if which == "search" and not text:
        return ASK
    longest = int(max_length or TrainingPart().max_length)
    try:
        look = studio.desk.look(part, model, longest, text if which == "search" else which)
    except StudioError as error:
        return note("error", *error.problems)
    return look_html(look, longest, white) + notes("note", look.notes)
