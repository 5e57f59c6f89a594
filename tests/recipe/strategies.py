"""Any valid recipe, for hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from pydantic import BaseModel

from studio.data.part import DataPart
from studio.knob import Knob, knobs
from studio.recipe.methods.every import METHODS
from studio.recipe.recipe import LaunchPart, LooksPart, ModelPart, Recipe, TrainingPart


def values(knob: Knob) -> st.SearchStrategy[Any]:
    """Any value that a knob allows."""
    if knob.choices:
        return st.sampled_from(knob.choices)
    if knob.kind is bool:
        return st.booleans()
    if knob.kind is int:
        return st.integers(int(knob.low or 0), int(knob.high or 0))
    if knob.kind is float:
        return st.floats(knob.low, knob.high)
    return st.text(max_size=120)


def parts(part: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Any part of a recipe with values within its bounds."""
    return st.builds(part, **{knob.name: values(knob) for knob in knobs(part)})


RECIPES = st.builds(
    Recipe,
    model=parts(ModelPart),
    data=parts(DataPart),
    method=st.one_of([parts(method) for method in METHODS]),
    training=parts(TrainingPart),
    looks=parts(LooksPart),
    launch=parts(LaunchPart),
)
