"""The Compare tab: a frame that assets/compare/room.js draws from the routes. The page says which run is in hand."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import gradio as gr

from studio.answer.settings import Settings
from studio.answer.voice import STRONGEST
from studio.knob import Knob, knobs
from studio.ui.compare import blind
from studio.ui.draft import Draft
from studio.ui.studio import Studio

FRAME = '<section class="compare" aria-label="Models side by side"></section>'
OPEN = """
import(new URL("studio/compare/assets/room.js", document.baseURI).href)
  .then(({ open }) => open(element, props, watch))
  .catch(() => { element.textContent = "The room could not be loaded. Reload the page."; });
"""


@dataclass(frozen=True)
class CompareTab:
    """The tab's components that the page fills. The value of `room` is the name of the run in hand."""

    room: gr.HTML


def build(studio: Studio, draft: Draft, tabs: gr.Tabs) -> CompareTab:
    """Draw the tab."""
    with gr.Tabs(elem_id="compare-kinds"):
        with gr.Tab("Side by side"):
            room = gr.HTML(
                "",
                html_template=FRAME,
                js_on_load=OPEN,
                apply_default_css=False,
                elem_id="compare",
                knobs=[_declared(knob) for knob in knobs(Settings)],
                strongest=STRONGEST,
            )
        with gr.Tab("Blind vote"):
            blind.build(studio, draft, tabs)
    return CompareTab(room)


def _declared(knob: Knob) -> dict[str, Any]:
    """What the room needs to draw an option."""
    names = ("name", "label", "help", "default", "low", "high", "step", "unit")
    return {name: value for name, value in asdict(knob).items() if name in names}
