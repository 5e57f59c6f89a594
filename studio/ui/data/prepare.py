"""Reading a large set in the background: first rows are in view at once, the rest comes with progress and Cancel."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import gradio as gr

from studio.data.part import DataPart
from studio.data.wording import sentence
from studio.errors import StudioError
from studio.ui.data.glimpse import known_rows
from studio.ui.data.work import Work
from studio.ui.studio import Studio
from studio.ui.words import note

FIRST_ROWS = "What the first rows are is in view already; you can go on meanwhile."
CANCELLED = note("warning", "Cancelled. Choose the file again, or press Train: the rows are then read first.")


def build(studio: Studio, data: gr.State) -> gr.State:
    """Draw the progress, which is in view while a set is being read. The state given back changes with each set that
    has come, so that everything is shown again."""
    ready = gr.State(0)
    said = gr.HTML(visible=False, elem_id="data-progress")
    cancel = gr.Button("Cancel", size="sm", visible=False, elem_id="data-cancel")
    reading = data.change(
        partial(follow, studio), data, [said, cancel, ready], show_progress="hidden", concurrency_limit=4
    )
    cancel.click(partial(give_up, studio), data, [said, cancel], cancels=[reading], show_progress="hidden", queue=False)
    return ready


def follow(studio: Studio, part: DataPart) -> Iterator[tuple[Any, Any, Any]]:
    """Prepare a part, telling of it while it lasts. What is wrong with it, the report says."""
    hidden = gr.update(visible=False)
    if not part.path or known_rows(studio, part) is not None:
        yield hidden, hidden, gr.skip()
        return
    with Work(lambda tell, stopped: studio.desk.prepare(part)) as work:
        for _ in work.progress():
            words = gr.update(value=note("note", _progress(studio, part), FIRST_ROWS), visible=True)
            yield words, gr.update(visible=True), gr.skip()
        with suppress(StudioError):
            work.result()
    yield hidden, hidden, time.time_ns()


def _progress(studio: Studio, part: DataPart) -> str:
    """What is being done at the moment, and how far it is."""
    what, done, total = studio.desk.progress(part) or ("reading the rows", 0, 0)
    far = f": {done:,} of {total:,}" if total else f": {done:,}" if done else ""
    return sentence(f"{what}{far}…")


def give_up(studio: Studio, part: DataPart) -> tuple[Any, Any]:
    """End the reading of a part."""
    studio.desk.cancel(part)
    return gr.update(value=CANCELLED, visible=True), gr.update(visible=False)
