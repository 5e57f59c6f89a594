"""Which rows are held out: a share or a file of their own, and a bar of how the rows fall."""

from __future__ import annotations

from functools import partial
from html import escape
from pathlib import PurePath
from typing import Any

import gradio as gr

from studio.data.dataset import Prepared
from studio.data.part import DataPart
from studio.ui.data.glimpse import known_rows
from studio.ui.data.section import Section
from studio.ui.data.uploads import FILE_TYPES, kept
from studio.ui.draft import altered
from studio.ui.form import Form
from studio.ui.studio import Studio

OPTIONS = ("held_out_share", "split_seed", "split_by")
OWN_FILE = "Held-out rows from a file of their own (the share is then not used)"
HEADING = "<h3>Split</h3><p>Held-out rows are never trained on. They show whether the model learned the task.</p>"
NOTHING = '<p class="example-empty">How the rows fall is shown here when they are read.</p>'


def build(studio: Studio, data: gr.State, model: gr.State) -> Section:
    """Draw the section and connect it."""
    bar = gr.HTML(HEADING + NOTHING, elem_id="split-bar")
    form: Form[DataPart] = Form(DataPart, "data", leave_out=tuple(set(DataPart.model_fields) - set(OPTIONS)))
    with gr.Accordion("A file of their own", open=False):
        own = gr.File(label=OWN_FILE, file_types=FILE_TYPES, height=130, elem_id="held-out-file")
        with gr.Row():
            named = gr.HTML(elem_id="held-out-named")
            drop = gr.Button("Use the share again", size="sm", scale=0, min_width=170, visible=False)
    for name, field in form.fields.items():
        field.change(
            partial(choose_split, name), [field, data], data, show_progress="hidden", trigger_mode="always_last"
        )
    own.upload(partial(take_held_out, studio), [own, data], [data, own])
    drop.click(lambda part: altered(part, {"held_out_path": ""}), data, data)
    fields = [form.fields[name] for name in OPTIONS]
    section = Section([bar, *fields, named, drop], partial(show, studio))
    data.change(section.show, [data, model], section.outputs, show_progress="hidden")
    return section


def choose_split(name: str, value: Any, part: DataPart) -> Any:
    """The data part with another held-out share, seed or rule. An emptied seed is 0."""
    if name == "split_seed":
        value = int(value or 0)
    return altered(part, {name: value})


def take_held_out(studio: Studio, file: str, part: DataPart) -> tuple[Any, Any]:
    """The data part with an uploaded file of held-out rows."""
    return altered(part, {"held_out_path": kept(studio.home, [file])}), None


def show(studio: Studio, part: DataPart, model: str) -> list[Any]:
    """The bar, the fields as the part has them, and the file of held-out rows where there is one."""
    own = bool(part.held_out_path)
    name = PurePath(part.held_out_path).name
    named = f"<p>They come from {escape(name)}, so share, seed and rule are not used.</p>" if own else ""
    return [
        HEADING + named + _bar(studio, part),
        gr.update(value=part.held_out_share, interactive=not own),
        gr.update(value=part.split_seed, interactive=not own),
        gr.update(value=part.split_by, interactive=not own),
        f"<p>{escape(name)} is chosen.</p>" if own else "",
        gr.update(visible=own),
    ]


def _bar(studio: Studio, part: DataPart) -> str:
    known = known_rows(studio, part)
    return bar(known) if known is not None else NOTHING


def bar(known: Prepared) -> str:
    """How many rows are trained on, held out and left out, as a bar with its figures in words."""
    counts = {
        "to train on": len(known.train),
        "held out": len(known.held_out),
        "left out": len(known.report.left_out),
    }
    total = sum(counts.values()) or 1
    pieces = "".join(
        f'<span class="split-{place}" style="flex-grow: {count / total:.4f}"></span>'
        for place, count in enumerate(counts.values())
        if count
    )
    words = "".join(
        f'<li class="split-{place}"><b>{count:,}</b> {escape(name)}</li>'
        for place, (name, count) in enumerate(counts.items())
    )
    return f'<div class="split-bar" aria-hidden="true">{pieces}</div><ul class="split-words">{words}</ul>'
