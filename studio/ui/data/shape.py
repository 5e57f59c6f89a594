"""What a row is: its shape with the reason, a column for each role, templates, and the first row as an example."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any

import gradio as gr

from studio.data.example import Example
from studio.data.part import DataPart, Mapped
from studio.data.shapes.columns import Mapping, Role, live_example, resolve
from studio.data.table import Table, preview
from studio.errors import StudioError
from studio.knob import knobs
from studio.ui.data.glimpse import first_rows
from studio.ui.data.section import Section
from studio.ui.draft import altered
from studio.ui.studio import Studio
from studio.ui.words import note

KNOBS = {knob.name: knob for model in (DataPart, Mapped) for knob in knobs(model)}
ROLES: dict[str, tuple[Role, ...]] = {
    "prompt-completion": ("prompt", "completion"),
    "conversation": ("messages",),
    "preference": ("prompt", "chosen", "rejected"),
    "text": ("text",),
}
"""The roles that a shape has a column for."""

OPTIONS: dict[Role, str] = {
    "prompt": "prompt_column",
    "completion": "completion_column",
    "messages": "mapped.messages_column",
    "chosen": "mapped.chosen_column",
    "rejected": "mapped.rejected_column",
    "text": "mapped.text_column",
    "system": "mapped.system_column",
    "label": "mapped.label_column",
    "group": "mapped.group_column",
}
"""The dotted option of the data part that names each role's column."""

BESIDE: tuple[Role, ...] = ("system", "label", "group")
"""The roles that any shape may have; plain text has no system prompt."""

TEXTS = ("prompt_template", "completion_template", "system_prompt")
SHAPES = [
    ("auto: by the columns", "auto"),
    ("prompt and completion", "prompt-completion"),
    ("conversation of several turns", "conversation"),
    ("preference: a better and a worse answer", "preference"),
    ("plain text", "text"),
]
NONE = "none"
HEADING = "<h3>What a row is</h3>"
NO_EXAMPLE = '<p class="example-empty">The first row is shown here as soon as it is known what a row is.</p>'
EXAMPLE_CHARACTERS = 600


@dataclass(frozen=True)
class ShapeFields:
    """The section's components."""

    reason: gr.HTML
    shape: gr.Dropdown
    columns: dict[Role, gr.Dropdown]
    texts: dict[str, gr.Textbox]
    train_on: gr.Dropdown
    example: gr.HTML

    @property
    def outputs(self) -> list[Any]:
        return [self.reason, self.shape, *self.columns.values(), *self.texts.values(), self.train_on, self.example]


def build(studio: Studio, data: gr.State, model: gr.State) -> Section:
    """Draw the section and connect it."""
    fields = _draw()
    fields.shape.input(partial(choose, "mapped.shape"), [fields.shape, data], data)
    fields.train_on.input(partial(choose, "mapped.train_on"), [fields.train_on, data], data)
    for role, column in fields.columns.items():
        column.input(partial(choose, OPTIONS[role]), [column, data], data)
    for name, box in fields.texts.items():
        gr.on([box.blur, box.submit], partial(choose, f"mapped.{name}"), [box, data], data, show_progress="hidden")
        box.input(
            partial(try_out, studio, name),
            [box, data],
            fields.example,
            show_progress="hidden",
            trigger_mode="always_last",
        )
    section = Section(fields.outputs, partial(show, studio))
    before = gr.State(Mapped())
    data.change(
        partial(follow, studio, fields), [data, model, before], [*section.outputs, before], show_progress="hidden"
    )
    return section


def _draw() -> ShapeFields:
    reason = gr.HTML(HEADING, elem_id="shape-reason")
    with gr.Row():
        columns = {role: _column(role) for role in OPTIONS if role not in BESIDE}
    example = gr.HTML(NO_EXAMPLE, elem_id="data-example")
    with gr.Accordion("Another shape, templates, system prompt, labels", open=False, elem_id="data-mapping"):
        shape = gr.Dropdown(SHAPES, value="auto", label="Shape", info=KNOBS["shape"].help, elem_id="data-shape")
        texts = {name: _text(name) for name in TEXTS}
        with gr.Row():
            columns |= {role: _column(role) for role in BESIDE}
        train_on = gr.Dropdown(
            list(KNOBS["train_on"].choices),
            value=KNOBS["train_on"].default,
            label=KNOBS["train_on"].label,
            info=KNOBS["train_on"].help,
            elem_id="data-train-on",
        )
    return ShapeFields(reason, shape, columns, texts, train_on, example)


def _column(role: Role) -> gr.Dropdown:
    knob = KNOBS[OPTIONS[role].removeprefix("mapped.")]
    return gr.Dropdown([], label=knob.label, info=knob.help, min_width=140, elem_id=f"{role}-column")


def _text(name: str) -> gr.Textbox:
    knob = KNOBS[name]
    return gr.Textbox(label=knob.label, info=knob.help, lines=2, max_lines=8, elem_id=f"data-{name}".replace("_", "-"))


def choose(option: str, value: str | None, part: DataPart) -> Any:
    """The data part with one option set by hand; empty: recognised."""
    return altered(part, {option: value or ""})


def try_out(studio: Studio, name: str, text: str, part: DataPart) -> str:
    """The first row as it would be with this text, while it is being typed."""
    table, _, _ = recognised(studio, part)
    mapped = part.mapped.model_copy(update={name: text})
    return _example(table, part.model_copy(update={"mapped": mapped})) if table is not None else NO_EXAMPLE


def follow(studio: Studio, fields: ShapeFields, part: DataPart, model: str, before: Mapped) -> list[Any]:
    """All of it after a change. A text that the change did not touch is left alone: somebody may be typing there."""
    shown = show(studio, part, model)
    for name, box in fields.texts.items():
        if getattr(part.mapped, name) == getattr(before, name):
            place = fields.outputs.index(box)
            shown[place] = {key: value for key, value in shown[place].items() if key != "value"}
    return [*shown, part.mapped]


def show(studio: Studio, part: DataPart, model: str) -> list[Any]:
    """The shape with its reason, the columns that fit it, the templates and the first row."""
    table, mapping, reason = recognised(studio, part)
    shape = shape_of(part, mapping)
    names = list(table.columns) if table is not None else []
    columns = [_shown_column(role, part, mapping, names, shape) for role in OPTIONS]
    pairs = shape == "prompt-completion"
    return [
        HEADING + reason,
        part.mapped.shape,
        *columns,
        gr.update(value=part.mapped.prompt_template, visible=pairs),
        gr.update(value=part.mapped.completion_template, visible=pairs),
        gr.update(value=part.mapped.system_prompt, visible=shape != "text"),
        gr.update(value=part.mapped.train_on, visible=shape == "conversation"),
        _example(table, part) if mapping is not None and table is not None else NO_EXAMPLE,
    ]


def shape_of(part: DataPart, mapping: Mapping | None) -> str:
    """The shape that was chosen, else the one recognised; where nothing is known, the commonest."""
    if part.mapped.shape != "auto":
        return part.mapped.shape
    found = set(mapping.columns) if mapping is not None else set()
    for shape, sign in (("preference", "chosen"), ("conversation", "messages"), ("text", "text")):
        if sign in found:
            return shape
    return "prompt-completion"


def recognised(studio: Studio, part: DataPart) -> tuple[Table | None, Mapping | None, str]:
    """The file's first rows and what its columns are, None where not known; and why, or what is missing, as HTML."""
    table = None
    try:
        table = first_rows(studio, part)
        if table is None:
            return None, None, ""
        mapping = resolve(table, part)
        return table, mapping, f'<p class="reason">{escape(mapping.reason)}</p>'
    except StudioError as error:
        return table, None, note("warning", *error.problems) if table is not None else ""


def _shown_column(role: Role, part: DataPart, mapping: Mapping | None, names: list[str], shape: str) -> Any:
    option = OPTIONS[role]
    chosen = getattr(part.mapped, option.removeprefix("mapped.")) if "." in option else getattr(part, option)
    value = chosen or (mapping.columns.get(role) if mapping is not None else None)
    fits = role in ROLES[shape] or (role in BESIDE and (role, shape) != ("system", "text"))
    empty = [] if role in ROLES[shape] and not chosen else [("recognise it" if role in ROLES[shape] else NONE, "")]
    choices = [*empty, *((name, name) for name in names)]
    shown = value if value in names else "" if empty else None
    return gr.update(choices=choices, value=shown, visible=fits)


def _example(table: Table, part: DataPart) -> str:
    """The first row that is learned from, as what is asked and what is answered."""
    try:
        example = live_example(table, resolve(table, part), part, int(table.numbers[0]))
    except StudioError as error:
        return _said([("Not possible yet", " ".join(error.problems))])
    return _said(_turns(example))


def _turns(example: Example) -> list[tuple[str, str]]:
    if not example.conversation:
        return [("text", example.completion)]
    said = [(str(message.get("role", "")), str(message.get("content") or "")) for message in example.conversation]
    if not example.messages:
        said = [("prompt", example.prompt), ("completion", example.completion)]
    if example.rejected:
        said = [*said[:-1], ("chosen", example.completion), ("rejected", example.rejected)]
    return said


def _said(parts: list[tuple[str, str]]) -> str:
    rows = "".join(f"<dt>{escape(who)}</dt><dd>{escape(preview(text, EXAMPLE_CHARACTERS))}</dd>" for who, text in parts)
    return f'<section aria-label="The first row"><h4>The first row</h4><dl class="example">{rows}</dl></section>'
