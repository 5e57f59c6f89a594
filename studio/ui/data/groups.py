"""The bias lens: how often named groups of people come up in the rows, and how the answers in those rows differ."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from studio.data.lens.groups import bundled_terms, lens, read_terms
from studio.data.lens.seen import CAVEAT
from studio.data.part import DataPart
from studio.errors import StudioError
from studio.ui.data.lens_html import lens_html
from studio.ui.data.section import Section
from studio.ui.studio import Studio
from studio.ui.words import note

ABOUT = (
    "Which rows name a group of people, by the word list below, and how their completions compare with those of all "
    f"other rows: length, refusals, labels. {CAVEAT}"
)
NOTHING = '<p class="data-quiet">There are no rows yet.</p>'
READY = '<p class="data-quiet">Press the button to count. It takes a few seconds for 100,000 rows.</p>'
STALE = '<p class="data-quiet">The rows or the list have changed. Press the button to count again.</p>'
WAIT = "The rows are still being read. Press the button again in a moment."

Updates = list[Any]


def build(studio: Studio, data: gr.State, model: gr.State) -> Section:
    """Draw the section and connect it."""
    gr.HTML(note("note", ABOUT), apply_default_css=False)
    with gr.Accordion("The word list", open=False):
        terms = gr.Code(
            bundled_terms(), language="yaml", label="Sets, groups and their words", max_lines=24, elem_id="groups-terms"
        )
        bundled = gr.Button("Take the bundled list again", size="sm")
    count = gr.Button("Count", elem_id="groups-count")
    shown = gr.HTML(READY, elem_id="groups", apply_default_css=False)
    count.click(partial(see, studio), [data, terms], shown)
    bundled.click(bundled_terms, None, terms, show_progress="hidden")
    terms.change(lambda: STALE, None, shown, show_progress="hidden")
    data.change(show, [data, model], shown, show_progress="hidden")
    return Section([shown], show)


def show(part: DataPart, model: str) -> Updates:
    """That groups can be counted: it is done when it is asked for."""
    return [READY if part.path else NOTHING]


def see(studio: Studio, part: DataPart, terms: str) -> str:
    """What the lens finds in the rows, or all that is wrong with the word list."""
    if not part.path:
        return NOTHING
    try:
        groups = read_terms(terms or "")
        known = studio.desk.known(part)
    except StudioError as error:
        return note("error", *error.problems)
    return note("warning", WAIT) if known is None else lens_html(lens(known.examples, groups))
