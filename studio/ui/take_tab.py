"""The Take away tab: the adapter as a zip, and how to use it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any
from urllib.parse import quote

import gradio as gr

from studio.errors import StudioError
from studio.run.directory import find_run
from studio.share.naming import public_base
from studio.share.readme import snippet
from studio.ui.studio import Studio
from studio.ui.words import note

NOTHING_YET = note("note", "No run has a result yet. Press Train; when the run has finished, its adapter is here.")


@dataclass(frozen=True)
class TakeTab:
    """The tab's components that the page fills."""

    choice: gr.Dropdown


def build(studio: Studio) -> TakeTab:
    """Draw the tab and connect it."""
    choice = gr.Dropdown([], label="Run", info="Finished and stopped runs that have a result.", elem_id="take-run")
    download = gr.HTML(NOTHING_YET, elem_id="take-download")
    with gr.Row(equal_height=False):
        how = gr.Code(language="python", label="How to use it", interactive=False, wrap_lines=True)
        recipe = gr.Code(language="yaml", label="The recipe it was made with", interactive=False, wrap_lines=True)
    choice.change(partial(offer, studio), choice, [download, how, recipe], show_progress="hidden")
    return TakeTab(choice)


def offer(studio: Studio, name: str | None) -> tuple[Any, Any, Any]:
    """The download of a run's adapter, a snippet that loads it, and its recipe."""
    if not name:
        return NOTHING_YET, "", ""
    try:
        run = find_run(studio.home, name)
        recipe = run.recipe
    except StudioError as error:
        return note("error", *error.problems), "", ""
    size = sum(file.stat().st_size for file in run.adapter.iterdir()) / 1e6
    link = (
        f'<a class="download" href="studio/runs/{quote(name)}/adapter.zip" download>'
        f"Download {escape(name)}-adapter.zip <small>about {size:.1f} MB</small></a>"
        "<p>Holds the adapter as PEFT loads it, the tokenizer with its chat template, the recipe and a README.</p>"
    )
    return link, snippet(recipe, public_base(recipe.model.id)), recipe.to_yaml()
