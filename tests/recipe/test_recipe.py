"""A recipe is a value: it never changes, and its YAML says all of it."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from pydantic import ValidationError

from studio.data.part import DataPart
from studio.recipe.methods.low_rank import QLora
from studio.recipe.read import read_recipe
from studio.recipe.recipe import Recipe
from tests.recipe.strategies import RECIPES


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RECIPES)
@example(Recipe(data=DataPart(prompt_column="\x85", completion_column="a \u2028b\u2029 c", path="\ufeff\x00 é🦊\r\n")))
def test_yaml_says_all_of_a_recipe(recipe):
    text = recipe.to_yaml()
    assert read_recipe(text) == recipe
    assert read_recipe(text.encode("utf-8").decode("utf-8")).to_yaml() == text


def test_yaml_is_for_people():
    text = Recipe(method=QLora(rank=4)).to_yaml()
    assert list(yaml.safe_load(text)) == ["model", "data", "task", "method", "training", "looks", "launch"]
    assert "!!" not in text
    assert "&" not in text
    assert text.index("name: qlora") < len(text)


def test_a_recipe_never_changes():
    recipe = Recipe()
    with pytest.raises(ValidationError):
        recipe.training.epochs = 5
    with pytest.raises(ValidationError):
        recipe.training = recipe.training
