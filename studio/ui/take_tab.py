"""The Take away tab: the adapter or the whole model as a zip, and how to use it."""

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
from studio.share.readme import Kept, snippet
from studio.ui.studio import Studio
from studio.ui.words import note

NOTHING_YET = note(
    "note", "No run has a result yet. Press Train; when the run has finished, its adapter or model is here."
)

HOLDS = {
    "adapter": "Holds the adapter as PEFT loads it beside its base, the tokenizer, the recipe and a README.",
    "model": "Holds the whole model as transformers loads it, the tokenizer, the recipe and a README. "
    "The base is not needed.",
}


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
    """The download of a run's result, a snippet that loads it, and its recipe."""
    if not name:
        return NOTHING_YET, "", ""
    try:
        run = find_run(studio.home, name)
        recipe = run.recipe
    except StudioError as error:
        return note("error", *error.problems), "", ""
    if run.result is None:
        return NOTHING_YET, "", ""
    size = sum(file.stat().st_size for file in run.result.iterdir()) / 1e6
    report = f"studio/runs/{quote(name)}/report"
    link = (
        f'<a class="download" href="studio/runs/{quote(name)}/result.zip" download>'
        f"Download {escape(name)}-{run.result.name}.zip <small>about {size:.1f} MB</small></a>"
        f"<p>{HOLDS[run.result.name]}</p>"
        f'<p><a href="{report}" target="_blank" rel="noopener">Read the report of this run</a>, or '
        f'<a href="{report}?download=1" download>take it as one HTML file</a>.</p>'
    )
    return link, snippet(Kept.of(run, public_base(recipe.model.id))), recipe.to_yaml()
