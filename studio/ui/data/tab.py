"""The Data tab: the room where rows are brought, seen as the model sees them, mended and divided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.data.part import DataPart
from studio.data.source import asked_of_hub
from studio.ui.data import (
    augment,
    export,
    groups,
    mix,
    prepare,
    preview,
    reading,
    report,
    rows,
    shape,
    source,
    split,
    text,
)
from studio.ui.data.section import Section
from studio.ui.studio import Studio

ROWS = "Rows"


@dataclass(frozen=True)
class DataTab:
    """The tab as the page fills it. `ready` changes when rows that were read in the background have come."""

    sections: tuple[Section, ...]
    ready: gr.State

    @property
    def outputs(self) -> list[Component]:
        """Everything that `show` fills."""
        return _outputs(*self.sections)

    def show(self, part: DataPart, model: str) -> list[Any]:
        """The whole tab for a data part and a base model."""
        return _now(self.sections, part, model)


def build(studio: Studio, data: gr.State, model: gr.State, max_length: Component) -> DataTab:
    """Draw the tab and connect it to the states of the recipe's data part and of the base model.

    `max_length` holds the longest row of the recipe, in tokens.
    """
    with gr.Row(equal_height=False, elem_id="data-room"):
        with gr.Column(scale=2, min_width=300):
            chosen = source.build(studio, data, model)
            read_as = reading.build(studio, data, model)
            row_is = shape.build(studio, data, model)
        with gr.Column(scale=3, min_width=320):
            ready = prepare.build(studio, data)
            views = _views(studio, data, model, max_length)
    shapes = (read_as, row_is)
    counts = (chosen, views["report"], views["split"], views["mix"], views["text"])  # the others look for themselves
    ready.change(
        lambda part, model: [*_later(shapes, part, model), *_now(counts, part, model)],
        [data, model],
        _outputs(*shapes, *counts),
        show_progress="hidden",
    )
    return DataTab((chosen, read_as, row_is, *views.values()), ready)


def _outputs(*sections: Section) -> list[Component]:
    return [component for section in sections for component in section.outputs]


def _now(sections: Sequence[Section], part: DataPart, model: str) -> list[Any]:
    return [value for section in sections for value in section.show(part, model)]


def _later(sections: Sequence[Section], part: DataPart, model: str) -> list[Any]:
    """What rests on the first rows: a dataset of the Hub has none before it is read. Of a file they were in view all
    the time, and perhaps somebody is typing there."""
    return _now(sections, part, model) if asked_of_hub(part) else [gr.skip()] * len(_outputs(*sections))


def _views(studio: Studio, data: gr.State, model: gr.State, max_length: Component) -> dict[str, Section]:
    """The inner tabs, in the order of the work: what is wrong, how it is seen, single rows, how they are divided."""
    wanted = gr.State(("", 0))  # the finding whose rows are asked for, and how often anybody asked
    views: dict[str, Section] = {}
    with gr.Tabs(elem_id="data-views", overflow_behavior="wrap") as tabs:
        with gr.Tab("What is wrong", id="What is wrong"):
            views["report"] = report.build(studio, data, model, max_length, wanted)
        with gr.Tab("As the model sees it", id="As the model sees it"):
            views["preview"] = preview.build(studio, data, model, max_length)
        with gr.Tab(ROWS, id=ROWS):
            views["export"] = export.build(studio, data, model)
            views["rows"] = rows.build(studio, data, model, max_length, wanted)
        with gr.Tab("Split and mix", id="Split and mix"):
            views["split"] = split.build(studio, data, model)
            views["mix"] = mix.build(studio, data, model)
            views["text"] = text.build(studio, data, model, max_length)
        with gr.Tab("New rows", id="New rows"):
            views["augment"] = augment.build(studio, data, model)
        with gr.Tab("Groups", id="Groups"):
            views["groups"] = groups.build(studio, data, model)
    wanted.change(lambda: gr.Tabs(selected=ROWS), None, tabs, show_progress="hidden")
    return views
