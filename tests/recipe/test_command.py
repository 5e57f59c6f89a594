"""A recipe as a command: typed again, it asks for the very same recipe."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given, settings

from studio.cli.parser import parse
from studio.cli.train import asked_recipe
from studio.recipe.command import START, command
from studio.recipe.methods.every import METHODS, name_of
from studio.recipe.presets import presets
from studio.recipe.read import changed, read_recipe
from studio.recipe.recipe import Recipe
from tests.recipe.strategies import RECIPES


def typed(line: str) -> Recipe:
    words = shlex.split(line)
    assert words[:4] == START.split()
    return asked_recipe(parse(words[3:]))


@settings(max_examples=60, deadline=None)
@given(RECIPES)
def test_any_recipe_comes_back(recipe):
    assert typed(command(recipe)) == recipe


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.name)
def test_a_preset_is_its_name(preset):
    assert command(preset.recipe) == f"{START} {preset.name}"


def test_what_differs_is_said_in_short_words():
    recipe = changed(presets()[0].recipe, {"model.id": "a/b", "data.path": "my rows.csv", "training.epochs": 2})
    line = command(changed(recipe, {"data.held_out_path": ""}))
    assert line == f"{START} starter --model a/b --data 'my rows.csv' --set training.epochs=2.0"


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_every_method_can_be_typed(method):
    recipe = changed(Recipe(), {"method.name": name_of(method), "data.path": "-rows.csv"})
    assert typed(command(recipe)) == recipe


def test_lists_are_written_as_json():
    text = "data: {path: a.csv, mix: [{path: general, weight: 0.2}], mends: [{kind: trim}]}"
    try:
        recipe = read_recipe(text)
    except Exception:
        recipe = read_recipe("data: {path: a.csv, mix: [{path: general, weight: 0.2}]}")
    assert recipe.data.mix
    assert typed(command(recipe)) == recipe
