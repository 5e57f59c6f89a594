"""The History tab. The table is drawn by assets/history.js from the routes; what concerns other tabs comes here."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from studio.errors import StudioError
from studio.home import ASSETS
from studio.run.directory import find_run
from studio.run.history.again import again
from studio.run.merge import tune_base
from studio.share.run_import import read_run_file
from studio.ui.data.press import pressed
from studio.ui.draft import Draft, Updates
from studio.ui.refusal import refusal
from studio.ui.studio import Studio


def build(studio: Studio, draft: Draft, selected: gr.State, tabs: gr.Tabs) -> None:
    """Draw the tab and connect it to the recipe of the next run and to the selected run."""
    frame = gr.HTML(
        '<section class="history" aria-label="All runs"></section>',
        elem_id="history",
        js_on_load=(ASSETS / "history.js").read_text("utf-8"),
        apply_default_css=False,
    )
    with gr.Row(elem_id="history-import"):
        upload = gr.UploadButton("Import a run", file_types=[".zip"], size="sm", scale=0, min_width=140)

    def on_open(event: gr.EventData) -> tuple[Any, Any]:
        return open_run(studio, *_parted(event))

    def on_recipe(event: gr.EventData) -> Updates:
        return use_recipe(studio, draft, _parted(event)[1]) | {tabs: gr.Tabs(selected="Recipe")}

    def on_tune(event: gr.EventData) -> tuple[Any, Any]:
        return tune_on(studio, _parted(event)[1]), gr.Tabs(selected="Model")

    frame.click(on_open, None, [selected, tabs], show_progress="hidden")
    frame.submit(on_recipe, None, [*draft.outputs, tabs], show_progress="hidden")
    frame.select(on_tune, None, [draft.model, tabs], show_progress="minimal")
    upload.upload(partial(take_in, studio), upload, None, show_progress="minimal")


def _parted(event: gr.EventData) -> tuple[str, str]:
    """What was pressed, "what:RUN", in its two parts."""
    what, _, name = pressed(event)[0].partition(":")
    return what, name


def open_run(studio: Studio, what: str, name: str) -> tuple[Any, Any]:
    """Show a run in the Run tab ("open"); or put it into the queue once more, as it was, and show that ("again")."""
    try:
        run = find_run(studio.home, name)
        if what == "again":
            run = again(studio.home, run)
            studio.queue.poke()
            gr.Info(f"In the queue as {run.name}: the same recipe over the same rows.")
    except StudioError as error:
        raise refusal(error, "Not started" if what == "again" else "Not there") from None
    return run.name, gr.Tabs(selected="Run")


def use_recipe(studio: Studio, draft: Draft, name: str) -> Updates:
    """Take the recipe of a past run as the recipe of the next one."""
    try:
        recipe = find_run(studio.home, name).recipe
    except StudioError as error:
        raise refusal(error, "Not taken over") from None
    gr.Info(f"The recipe of {name} is in the Recipe tab. Change what you like, then press Train.")
    return draft.show_settings(recipe) | draft.show_choices(recipe)


def tune_on(studio: Studio, name: str) -> str:
    """Take the result of a past run as the base of the next one: the folder of a whole model."""
    try:
        folder = tune_base(find_run(studio.home, name))
    except StudioError as error:
        raise refusal(error, "Not taken as a base") from None
    gr.Info(f"The next run tunes on from {name}. Choose its data, then press Train.")
    return str(folder)


def take_in(studio: Studio, file: str | None) -> None:
    """Make a run of an uploaded run file."""
    if not file:
        return
    try:
        run = read_run_file(studio.home, Path(file))
    except StudioError as error:
        raise refusal(error, "Not imported") from None
    gr.Info(f"Imported as {run.name}.")
