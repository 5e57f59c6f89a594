"""One declaration per option: what a form and a help text read from it is whole."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import BaseModel

from studio.data.part import Chunks, DataPart, Mapped, Reading
from studio.knob import Knob, Part, knob, knobs
from studio.recipe.methods.every import METHODS
from studio.recipe.recipe import LaunchPart, LooksPart, ModelPart, TrainingPart
from studio.recipe.tasks import TASKS

PARTS = (ModelPart, DataPart, Reading, Mapped, Chunks, TrainingPart, LooksPart, LaunchPart, *METHODS, *TASKS)
ALL = [pytest.param(part, each, id=f"{part.__name__}.{each.name}") for part in PARTS for each in knobs(part)]


class Options(BaseModel):
    width: int = knob(3, "How wide.", label="Width", bounds=(1, 9), step=2, unit="columns", scale="log", advanced=True)
    shape: Literal["round", "square"] = knob("round", "Its shape.", label="Shape")
    unseen: int = 1


def test_a_knob_carries_all_that_was_declared():
    width, shape = knobs(Options)
    assert width == Knob("width", "Width", "How wide.", 3, int, (), 1, 9, 2, "columns", "log", "More settings", "", "")
    assert shape == Knob("shape", "Shape", "Its shape.", "round", str, ("round", "square"), None, None, None, "",
                         "linear", "", "", "")  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_every_option_is_a_knob(part):
    """But for parts within a part and lists of them, which have a form of their own."""
    plain = {name for name, field in part.model_fields.items() if not isinstance(field.default, (Part, tuple))}
    assert {each.name for each in knobs(part)} == plain - {"name"}


@pytest.mark.parametrize(("part", "each"), ALL)
def test_every_knob_can_be_shown_and_explained(part, each):
    assert each.label[0].isupper() or each.label[0].isdigit()
    assert each.label != each.name
    assert len(each.help) > 20
    assert each.help.endswith("."), each.help
    part(**{each.name: each.default})
    if each.kind in (int, float):
        assert each.low is not None
        assert each.low <= each.default <= each.high
        assert each.scale == "linear" or each.low > 0, "a log scale has no zero"
    if each.choices:
        assert each.default in each.choices


@pytest.mark.parametrize("part", PARTS)
def test_no_two_knobs_of_a_part_have_the_same_label(part):
    labels = [each.label for each in knobs(part)]
    assert len(labels) == len(set(labels))
