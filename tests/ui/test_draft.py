"""Whatever recipe is shown on the page, the page holds that recipe."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from studio.errors import StudioError
from studio.recipe.hardware import Gpu, Hardware
from studio.recipe.launch import LaunchPart
from studio.recipe.methods.every import METHODS, name_of
from studio.recipe.presets import presets
from studio.recipe.recipe import Recipe
from studio.recipe.tasks import TASKS
from studio.ui.recipe.tab import RecipeTab
from tests.recipe.strategies import RECIPES
from tests.ui.recipe.fields import after, drawn, seen_forms, studio_in, values_of


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> RecipeTab:
    return drawn(studio_in(tmp_path_factory.mktemp("draft")))


def shown_and_read(tab: RecipeTab, recipe: Recipe) -> Recipe:
    updates = tab.draft.show_settings(recipe) | tab.draft.show_choices(recipe)
    assert set(updates) <= set(tab.draft.outputs)
    return tab.draft.recipe(after(values_of(tab.draft), updates))


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.__name__)
@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_every_method_and_task_comes_back(tab: RecipeTab, method: type, task: type) -> None:
    recipe = Recipe(method=method(), task=task())
    read = shown_and_read(tab, recipe)
    assert (read.method, read.task, read.training) == (recipe.method, recipe.task, recipe.training)
    updates = tab.draft.show_settings(recipe)
    assert seen_forms(updates, tab.draft.method.groups) == [recipe.method.name]
    assert seen_forms(updates, tab.draft.task.groups) == [recipe.task.name]


@given(RECIPES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_settings_come_back(tab: RecipeTab, recipe: Recipe) -> None:
    read = shown_and_read(tab, recipe)
    assert (read.method, read.task, read.training) == (recipe.method, recipe.task, recipe.training)


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.name)
def test_every_preset_comes_back(tab: RecipeTab, preset) -> None:
    read = shown_and_read(tab, preset.recipe)
    assert (read.method, read.task, read.training) == (
        preset.recipe.method,
        preset.recipe.task,
        preset.recipe.training,
    )


def test_a_page_that_sends_no_such_method_is_told(tab: RecipeTab) -> None:
    values = values_of(tab.draft) | {tab.draft.method.chosen: "magic"}
    with pytest.raises(StudioError, match=r"method\.name"):
        tab.draft.recipe(values)


def test_a_draft_starts_as_the_recipe_that_it_was_drawn_with(tab: RecipeTab, tmp_path: Path) -> None:
    recipe = Recipe(method=METHODS[-1](), task=TASKS[1]())
    other = drawn(studio_in(tmp_path), recipe)
    assert other.draft.recipe(values_of(other.draft)) == recipe


def test_several_processes_can_be_asked_for_where_there_are_several_gpus(tmp_path: Path) -> None:
    asked = Recipe(launch=LaunchPart(processes=4, strategy="fsdp2", offload=True))
    studio = studio_in(tmp_path)
    studio.__dict__["hardware"] = Hardware(32, 2**38, 2**37, (Gpu("H200", 2**37, 2**37, (9, 0)),) * 4)
    several = drawn(studio)
    assert set(several.draft.launch.fields) == {"processes", "strategy", "offload"}
    assert shown_and_read(several, asked).launch == asked.launch
    alone = drawn(studio_in(tmp_path))
    assert not alone.draft.launch.components
    assert shown_and_read(alone, asked).launch == LaunchPart()
