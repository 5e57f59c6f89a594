"""A model becomes fields and the fields a model again."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pytest
from pydantic import BaseModel, ValidationError

from studio.answer.settings import Settings
from studio.knob import knobs
from studio.recipe.methods.every import METHODS
from studio.recipe.recipe import TrainingPart
from studio.ui.form import Form

MODELS: list[type[BaseModel]] = [TrainingPart, Settings, *METHODS]


def drawn(model: type[BaseModel], start: BaseModel | None = None) -> Form[Any]:
    with gr.Blocks():
        return Form(model, "test", start)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_the_form_reads_back_what_it_shows(model: type[BaseModel]) -> None:
    form = drawn(model)
    assert set(form.fields) == {knob.name for knob in knobs(model)}
    shown = {component: component.value for component in form.components}
    assert form.read(shown) == model()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_explains_itself(model: type[BaseModel]) -> None:
    for name, component in drawn(model).fields.items():
        info = component.html_template if isinstance(component, gr.HTML) else component.info
        assert len(info) > 30, f"{name} has no explanation"
        assert component.label


def test_a_value_out_of_bounds_is_refused_by_the_model() -> None:
    form = drawn(TrainingPart)
    values = {component: component.value for component in form.components}
    values[form.fields["learning_rate"]] = 7
    with pytest.raises(ValidationError, match="less than or equal"):
        form.read(values)


def test_an_emptied_number_keeps_the_default() -> None:
    form = drawn(TrainingPart)
    values = {component: component.value for component in form.components}
    values[form.fields["seed"]] = None
    values[form.fields["learning_rate"]] = ""
    assert form.read(values) == TrainingPart()


def test_show_puts_a_model_into_the_fields() -> None:
    form = drawn(TrainingPart)
    updates = form.show(TrainingPart(epochs=7))
    assert updates[form.fields["epochs"]]["value"] == 7


def test_a_start_and_left_out_fields_are_respected() -> None:
    with gr.Blocks():
        form = Form(TrainingPart, "test", TrainingPart(batch_size=2), leave_out=("seed",))
    assert "seed" not in form.fields
    assert form.fields["batch_size"].value == 2
