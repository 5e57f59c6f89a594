"""Long text: how plain text is cut into rows for continued pretraining, and what that gives."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr
import numpy as np
import pyarrow.compute as pc

from studio.data.part import Chunks, DataPart
from studio.errors import StudioError
from studio.ui.data_shape import recognised, shape_of
from studio.ui.draft import altered
from studio.ui.form import Form
from studio.ui.section import Section
from studio.ui.studio import Studio
from studio.ui.words import figures

TOKEN_CHARACTERS = 4  # of one token of English text, where nobody has counted yet


def build(studio: Studio, data: gr.State, model: gr.State) -> Section:
    """Draw the section, which is in view for plain text only, and connect it."""
    with gr.Group(visible=False, elem_id="long-text") as group:
        gr.HTML("<h3>Long text</h3>", padding=True)
        form: Form[Chunks] = Form(Chunks, "chunks")
        effect = gr.HTML(elem_id="chunks-effect", padding=True)
    for name, field in form.fields.items():
        field.change(partial(cut, name), [field, data], data, show_progress="hidden", trigger_mode="always_last")
    fields = [form.fields[name] for name in Chunks.model_fields]
    section = Section([group, *fields, effect], partial(show, studio))
    gr.on([data.change, model.change], section.show, [data, model], section.outputs, show_progress="hidden")
    return section


def cut(name: str, value: Any, part: DataPart) -> Any:
    """The data part with its text cut in another way. A length may not be shorter than what overlaps."""
    return altered(part, {f"chunks.{name}": value})


def show(studio: Studio, part: DataPart, model: str) -> list[Any]:
    """The fields for plain text, and how much text there is to cut."""
    _, mapping, _ = recognised(studio, part)
    chunks = part.chunks
    cut_by_length = chunks.by != "whole"
    return [
        gr.update(visible=shape_of(part, mapping) == "text"),
        chunks.by,
        gr.update(value=chunks.length, visible=cut_by_length),
        gr.update(value=chunks.overlap, visible=cut_by_length),
        _effect(studio, part, model),
    ]


def _effect(studio: Studio, part: DataPart, model: str) -> str:
    """How many chunks there will be of how many tokens; an estimate by the characters."""
    try:
        known = studio.desk.known(part) if part.path else None
    except StudioError:
        return ""
    if known is None:
        return ""
    lengths = np.ceil(np.asarray(pc.utf8_length(known.examples.column("completion"))) / TOKEN_CHARACTERS)
    return figures(estimate(lengths, part.chunks))


def estimate(lengths: np.ndarray, chunks: Chunks) -> list[tuple[str, str]]:
    """What cutting gives, where each text has about `lengths` tokens: (name, figure)."""
    tokens = int(lengths.sum())
    if chunks.by == "whole":
        return [("Rows", f"{len(lengths):,}"), ("Tokens, about", f"{tokens:,}")]
    fresh = max(1, chunks.length - chunks.overlap)
    count = int(np.maximum(1, np.ceil((lengths - chunks.overlap) / fresh)).sum())
    return [
        ("Chunks, about", f"{count:,}"),
        ("Tokens, about", f"{tokens:,}"),
        ("Repeated", f"{max(0, count - len(lengths)) * chunks.overlap:,}"),
    ]
