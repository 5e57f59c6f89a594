"""A pydantic model as fields on the page, and back. One declaration feeds label, help, bounds, unit and default."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any, Generic, TypeVar

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component
from pydantic import BaseModel

from studio.knob import Knob, knobs
from studio.ui.log_slider import log_slider

M = TypeVar("M", bound=BaseModel)
WIDEST_SLIDER = 100_000  # a range wider than this is a number to type


class Form(Generic[M]):
    """The options of a pydantic model as gradio components.

    Building it inside a `gr.Blocks` context draws the fields; those with a group are folded away under its heading.
    `asked` are the options that say what they are, by the id of their field: see studio/ui/what.py.
    Options named in `leave_out` are not drawn and keep the value of the model given to `read`.
    """

    def __init__(self, model: type[M], prefix: str, start: M | None = None, leave_out: tuple[str, ...] = ()) -> None:
        self._model = model
        self.fields: dict[str, Any] = {}  # gradio gives its components their events at run time
        self.asked: dict[str, Knob] = {}
        shown = [knob for knob in knobs(model) if knob.name not in leave_out]
        for group in dict.fromkeys(knob.group for knob in sorted(shown, key=lambda knob: knob.group != "")):
            with gr.Accordion(group, open=False, elem_id=dashed(prefix, group)) if group else nullcontext():
                for knob in (knob for knob in shown if knob.group == group):
                    self.fields[knob.name] = _component(knob, prefix, start)
                    if knob.what:
                        self.asked[dashed(prefix, knob.name)] = knob

    @property
    def components(self) -> set[Block]:
        """The fields, to be given to an event as inputs or outputs."""
        return set(self.fields.values())

    def values(self, values: Mapping[Block, Any]) -> dict[str, Any]:
        """The raw values of the fields, by option name. Empty number fields are left out and so keep the default."""
        raw = {name: values[component] for name, component in self.fields.items()}
        return {name: value for name, value in raw.items() if value not in (None, "")}

    def read(self, values: Mapping[Block, Any]) -> M:
        """The model that the fields show. Raises pydantic's ValidationError where a value is out of bounds."""
        return self._model.model_validate(self.values(values))

    def show(self, model: BaseModel) -> dict[Block, Any]:
        """Updates that make the fields show `model`."""
        return {component: gr.update(value=getattr(model, name)) for name, component in self.fields.items()}


def dashed(prefix: str, name: str) -> str:
    """The id that a field or a fold of a form has in the page."""
    return f"{prefix}-{name}".lower().replace("_", "-").replace(" ", "-")


def _component(knob: Knob, prefix: str, start: BaseModel | None) -> Component:
    value = getattr(start, knob.name) if start is not None else knob.default
    common: dict[str, Any] = {
        "label": f"{knob.label} ({knob.unit})" if knob.unit else knob.label,
        "info": knob.help,
        "elem_id": dashed(prefix, knob.name),
    }
    if knob.choices:
        return gr.Dropdown(list(knob.choices), value=value, **common)
    if knob.kind is bool:
        return gr.Checkbox(value, **common)
    if knob.kind is str:
        return gr.Textbox(value, lines=knob.lines, **common)
    assert knob.low is not None
    assert knob.high is not None
    if knob.scale == "log":
        return log_slider(value, low=knob.low, high=knob.high, **common)
    if knob.high > WIDEST_SLIDER:
        return gr.Number(value, minimum=knob.low, maximum=knob.high, precision=0, **common)
    return gr.Slider(knob.low, knob.high, value=value, step=knob.step, **common)
