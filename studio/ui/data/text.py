"""Long text: how plain text is cut into rows for continued pretraining, and what that gives."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr
import numpy as np
import pyarrow.compute as pc
from gradio.components import Component

from studio.data.part import Chunks, DataPart
from studio.errors import StudioError
from studio.recipe.recipe import TrainingPart
from studio.run.study.study import ChunkFacts
from studio.ui.data.glimpse import known_rows
from studio.ui.data.section import Section
from studio.ui.data.shape import recognised, shape_of
from studio.ui.draft import altered
from studio.ui.form import Form
from studio.ui.studio import Studio
from studio.ui.words import figures

TOKEN_CHARACTERS = 4  # of one token of English text, where nobody has counted yet
LOOK = 1.0  # seconds between looks whether the tokens were counted


def build(studio: Studio, data: gr.State, model: gr.State, max_length: Component) -> Section:
    """Draw the section, which is in view for plain text only, and connect it."""
    with gr.Group(visible=False, elem_id="long-text") as group:
        gr.HTML("<h3>Long text</h3>", padding=True)
        form: Form[Chunks] = Form(Chunks, "chunks")
        effect = gr.HTML(elem_id="chunks-effect", padding=True)
    timer = gr.Timer(LOOK, active=False)
    for name, field in form.fields.items():
        field.change(partial(cut, name), [field, data], data, show_progress="hidden", trigger_mode="always_last")
    fields = [form.fields[name] for name in Chunks.model_fields]
    section = Section([group, *fields, effect, timer], partial(show, studio))
    gr.on([data.change, model.change], section.show, [data, model], section.outputs, show_progress="hidden")
    timer.tick(partial(count, studio), [data, model, max_length], [effect, timer], show_progress="hidden")
    return section


def cut(name: str, value: Any, part: DataPart) -> Any:
    """The data part with its text cut in another way."""
    return altered(part, {f"chunks.{name}": value})


def show(studio: Studio, part: DataPart, model: str) -> list[Any]:
    """The fields for plain text, and about how many chunks there will be until they are counted."""
    _, mapping, _ = recognised(studio, part)
    text, cuts = shape_of(part, mapping) == "text", part.chunks.by != "whole"
    return [
        gr.update(visible=text),
        part.chunks.by,
        gr.update(value=part.chunks.length, visible=cuts),
        gr.update(value=part.chunks.overlap, visible=cuts),
        _estimated(studio, part) if text else "",
        gr.Timer(active=text and cuts),
    ]


def count(studio: Studio, part: DataPart, model: str, longest: float | None) -> list[Any]:
    """The effect as the study counted it with the model's own tokenizer; no further look once it has."""
    try:
        state = studio.desk.study(part, model, int(longest or TrainingPart().max_length))
    except StudioError:
        return [gr.skip(), gr.Timer(active=False)]
    facts = state.study.chunks if state.study else None
    return [figures(counted_figures(facts)) if facts else gr.skip(), gr.Timer(active=not (state.study or state.error))]


def counted_figures(facts: ChunkFacts) -> list[tuple[str, str]]:
    """What cutting gives, counted: (name, figure)."""
    return [
        ("Chunks", f"{facts.chunks:,}"),
        ("Tokens", f"{facts.tokens:,}"),
        ("Room left empty", f"{100 * facts.waste_share:.1f} %"),
    ]


def _estimated(studio: Studio, part: DataPart) -> str:
    known = known_rows(studio, part)
    if known is None:
        return ""
    lengths = np.ceil(np.asarray(pc.utf8_length(known.examples.column("completion"))) / TOKEN_CHARACTERS)
    return figures(estimate(lengths, part.chunks))


def estimate(lengths: np.ndarray, chunks: Chunks) -> list[tuple[str, str]]:
    """What cutting gives, where the texts have about `lengths` tokens and are laid end to end: (name, figure)."""
    tokens = int(lengths.sum())
    if chunks.by == "whole":
        return [("Rows", f"{len(lengths):,}"), ("Tokens, about", f"{tokens:,}")]
    step = max(1, chunks.length - chunks.overlap)
    number = max(1, -(-max(0, tokens - chunks.overlap) // step))
    repeated = (number - 1) * chunks.overlap
    return [("Chunks, about", f"{number:,}"), ("Tokens, about", f"{tokens:,}"), ("Repeated", f"{repeated:,}")]
