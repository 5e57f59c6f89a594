"""A dataset of the Hugging Face Hub: looked up, a subset and a split chosen, fetched with progress and Cancel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr
from gradio.blocks import Block

from studio.data.hub.dataset import choices, fetched
from studio.data.hub.place import SCHEME, HubPlace, hub_place
from studio.data.part import Reading
from studio.data.wording import counted
from studio.errors import StudioError
from studio.knob import knobs
from studio.ui.data.work import Work
from studio.ui.draft import Updates, Values
from studio.ui.studio import Studio
from studio.ui.words import note

KNOBS = {knob.name: knob for knob in knobs(Reading)}
SOME_ROWS = 10_000
HELP = "Its id (owner/name) or the address of its page, such as openai/gsm8k. Nothing is run that comes with it."


@dataclass(frozen=True)
class HubFields:
    """The section's components. `found` holds the splits of each subset of the dataset that was looked up."""

    name: gr.Textbox
    look: gr.Button
    status: gr.HTML
    chosen: gr.Group
    subset: gr.Dropdown
    split: gr.Dropdown
    most: gr.Number
    fetch: gr.Button
    cancel: gr.Button
    found: gr.State


def build(studio: Studio, data: gr.State) -> None:
    """Draw the section, folded, and connect it."""
    fields = _draw()
    looking = gr.on(
        [fields.look.click, fields.name.submit],
        partial(look_up, fields),
        {fields.name},
        [fields.status, fields.cancel, fields.chosen, fields.subset, fields.split, fields.found],
        show_progress="hidden",
    )
    fields.subset.change(splits, [fields.subset, fields.found], fields.split, show_progress="hidden")
    fetching = fields.fetch.click(
        partial(fetch, studio, fields, data),
        {fields.name, fields.subset, fields.split, fields.most, data},
        [fields.status, fields.cancel, data],
        show_progress="hidden",
    )
    fields.cancel.click(
        lambda: (note("note", "Cancelled. Nothing of it was kept."), gr.update(visible=False)),
        None,
        [fields.status, fields.cancel],
        cancels=[looking, fetching],
        show_progress="hidden",
    )


def _draw() -> HubFields:
    with gr.Accordion("Or fetch a dataset of the Hugging Face Hub", open=False, elem_id="hub"):
        name = gr.Textbox(label="Dataset", info=HELP, placeholder="owner/name", max_lines=1, elem_id="hub-dataset")
        look = gr.Button("Look it up", size="sm", elem_id="hub-look")
        status = gr.HTML(elem_id="hub-status")
        with gr.Group(visible=False) as chosen:
            with gr.Row():
                subset = gr.Dropdown([], label="Subset", info=KNOBS["subset"].help, min_width=130, elem_id="hub-subset")
                split = gr.Dropdown([], label="Split", info=KNOBS["split"].help, min_width=130, elem_id="hub-split")
            most = gr.Number(
                SOME_ROWS,
                label="Rows at most",
                info="The first ones are taken; 0: all of them.",
                minimum=0,
                precision=0,
                elem_id="hub-most",
            )
            fetch = gr.Button("Fetch", variant="primary", size="sm", elem_id="hub-fetch")
        cancel = gr.Button("Cancel", size="sm", visible=False, elem_id="hub-cancel")
    return HubFields(name, look, status, chosen, subset, split, most, fetch, cancel, gr.State({}))


def look_up(fields: HubFields, values: Values) -> Iterator[Updates]:
    """What a dataset offers, to choose from."""
    try:
        place = _place(values[fields.name])
        with Work(lambda tell, stopped: choices(place, stopped)) as work:
            yield from _while_working(work, fields, f"Looking at {place.id}…")
            found = work.result()
    except StudioError as error:
        yield {fields.status: note("error", *error.problems), fields.cancel: gr.update(visible=False)}
        return
    subset = place.subset if place.subset in found else next(iter(found), "")
    words = f"{place.id} has {counted(len(found), 'subset')}. Choose one and its split, then fetch it."
    yield {
        fields.status: note("note", words),
        fields.cancel: gr.update(visible=False),
        fields.chosen: gr.update(visible=True),
        fields.subset: gr.update(choices=list(found), value=subset),
        fields.split: splits(subset, found),
        fields.found: found,
    }


def splits(subset: str | None, found: dict[str, tuple[str, ...]]) -> Any:
    """The splits of a subset to choose from, the one for training first."""
    names = sorted(found.get(subset or "", ()), key=lambda name: name != "train")
    return gr.update(choices=names, value=next(iter(names), None))


def fetch(studio: Studio, fields: HubFields, data: Block, values: Values) -> Iterator[Updates]:
    """The rows of a subset and a split, kept in the studio's home, as the data part."""
    try:
        place = _place(values[fields.name])
        subset, split = values[fields.subset] or "", f"{values[fields.split] or 'train'}{_first(values[fields.most])}"
        wanted = HubPlace(place.id, place.revision, subset, split)
        with Work(lambda tell, stopped: fetched(wanted, studio.home.uploads, tell, stopped)) as work:
            yield from _while_working(work, fields, f"Fetching {place.id}…")
            work.result()
    except StudioError as error:
        yield {fields.status: note("error", *error.problems), fields.cancel: gr.update(visible=False)}
        return
    yield {
        fields.status: note("note", f"{place.id} is fetched and chosen."),
        fields.cancel: gr.update(visible=False),
        data: values[data].for_other_rows(place.path, reading=Reading(subset=subset, split=split)),
    }


def _while_working(work: Work[Any], fields: HubFields, begun: str) -> Iterator[Updates]:
    yield {fields.status: note("note", begun)}
    for said in work.progress():
        yield {fields.status: note("note", said or begun), fields.cancel: gr.update(visible=True)}


def _first(most: float | None) -> str:
    return f"[:{int(most)}]" if most else ""


def _place(text: str | None) -> HubPlace:
    """What was typed as a place. Raises StudioError where it is none."""
    name = (text or "").strip()
    place = hub_place(name) or hub_place(f"{SCHEME}{name}")
    assert place is not None, "a path that begins like one is one, or is refused"
    return place
