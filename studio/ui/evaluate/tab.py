"""The Evaluate tab: a frame that assets/evaluate/room.js draws from the routes. What it takes from the page comes here:
which run is in hand, and which data and base the next run has."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from secrets import token_hex
from typing import Any

import gradio as gr

from studio.answer.evaluation.begin import MOST_ROWS, begin_baseline
from studio.answer.evaluation.folder import baselines
from studio.errors import StudioError
from studio.ui.data.samples import sample_of
from studio.ui.draft import Draft, Updates, Values
from studio.ui.evaluate.begun import Begun, begun_once
from studio.ui.routes import Json
from studio.ui.studio import Studio

FRAME = '<section class="evaluate" aria-label="Evaluations"></section>'
OPEN = """
import(new URL("studio/evaluate/assets/room.js", document.baseURI).href)
  .then(({ open }) => open(element, props, watch, trigger))
  .catch(() => { element.textContent = "The room could not be loaded. Reload the page."; });
"""
NO_DATA = "There is no data yet. Open a file or a sample in the Data tab; then ask the base here."


@dataclass(frozen=True)
class EvaluateTab:
    """The tab's components that the page fills. The value of `room` is the name of the run in hand."""

    room: gr.HTML


def build(studio: Studio, draft: Draft) -> EvaluateTab:
    """Draw the tab and connect it to the recipe of the next run."""
    room = gr.HTML(
        "",
        html_template=FRAME,
        js_on_load=OPEN,
        apply_default_css=False,
        elem_id="evaluate",
        draft="",
        begun="",
        most=MOST_ROWS,
    )
    room.select(partial(look, draft, room), draft.components, room, show_progress="hidden")
    room.submit(
        partial(ask_base, studio, draft, room),
        draft.components,
        room,
        show_progress="hidden",
        trigger_mode="once",
        concurrency_limit=1,
    )
    return EvaluateTab(room)


def look(draft: Draft, room: gr.HTML, values: Values) -> Updates:
    """What the next run has as base and data, so that the room can say whom it would ask what."""
    return {room: _telling(draft=_draft(draft, values))}


def _draft(draft: Draft, values: Values) -> Json:
    part = values[draft.data]
    problem = "" if part.path else NO_DATA
    return {"model": values[draft.model], "data": sample_of(part) or PurePath(part.path).name, "problem": problem}


def ask_base(studio: Studio, draft: Draft, room: gr.HTML, values: Values) -> Updates:
    """Begin asking the base of the next run its held-out rows. What stands in the way is said in the room."""
    try:
        begun = _begun(studio, draft, values)
    except StudioError as error:
        return {room: _telling(begun={"error": "\n".join(error.problems)})}
    studio.examiner.poke()
    return {room: _telling(begun={"id": begun.evaluation.id, "again": begun.again})}


def _begun(studio: Studio, draft: Draft, values: Values) -> Begun:
    if not values[draft.data].path:
        raise StudioError(NO_DATA)
    recipe = draft.recipe(values)
    studio.desk.prepare(recipe.data)  # a large file is read by the child, not by the page
    return begun_once(studio.home, lambda: begin_baseline(studio.home, recipe), lambda: baselines(studio.home))


def _telling(**told: Json) -> Any:
    """Properties of the room as JSON. What is told twice is news both times."""
    news: dict[str, Any] = {name: json.dumps(content | {"at": token_hex(4)}) for name, content in told.items()}
    return gr.update(**news)
