"""What stands in the way, with buttons that lead to the control and move it."""

from __future__ import annotations

import html
import re

import gradio as gr
import pytest

from studio.knob import knobs
from studio.recipe.methods.every import METHODS, name_of
from studio.recipe.problems import Move, Problem
from studio.recipe.recipe import Recipe
from studio.recipe.tasks import TASKS
from studio.ui.recipe.advice import NOTHING, advice_html, moved, places
from studio.ui.recipe.tab import RecipeTab
from tests.ui.recipe.fields import after, drawn, studio_in, values_of

EVIL = '<img src=x onerror="alert(1)">'


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> RecipeTab:
    return drawn(studio_in(tmp_path_factory.mktemp("advice")))


def presses(text: str) -> list[str]:
    return [html.unescape(press) for press in re.findall(r'data-press="([^"]*)"', text)]


def test_nothing_wrong_is_said() -> None:
    assert advice_html([], Recipe()) == NOTHING


def test_the_gravest_comes_first_and_what_anybody_wrote_is_escaped() -> None:
    found = [
        Problem("training.epochs", "advice", "advice", source=EVIL),
        Problem("training.epochs", "warning", "warning"),
        Problem("data.path", EVIL),
    ]
    text = advice_html(found, Recipe())
    assert [text.index(f"note-{kind}") for kind in ("error", "warning", "advice")] == sorted(
        text.index(f"note-{kind}") for kind in ("error", "warning", "advice")
    )
    assert EVIL not in text
    assert "Ready to train" not in text
    assert "Ready to train" in advice_html(found[:2], Recipe())


def test_a_button_sets_what_it_names_and_nothing_else(tab: RecipeTab) -> None:
    move = Move("Longer, on paper", {"training.max_length": 256, "method.rank": 4})
    text = advice_html([Problem("training.max_length", "Too long.", moves=(move,))], Recipe())
    press = next(press for press in presses(text) if press.startswith("move:"))
    before = values_of(tab.draft)
    recipe = tab.draft.recipe(after(before, moved(tab.draft, before, press)))
    assert recipe.training.max_length == 256
    assert recipe.method.rank == 4  # type: ignore[attr-defined]
    was = tab.draft.recipe(before)
    assert recipe.training.model_copy(update={"max_length": was.training.max_length}) == was.training
    assert (recipe.data, recipe.model, recipe.task) == (was.data, was.model, was.task)


def test_a_button_may_change_method_model_and_data(tab: RecipeTab) -> None:
    before = values_of(tab.draft)
    press = 'move:{"method.name": "qlora", "model.id": "owner/name", "data.held_out_share": 0.25}'
    recipe = tab.draft.recipe(after(before, moved(tab.draft, before, press)))
    assert (recipe.method.name, recipe.model.id, recipe.data.held_out_share) == ("qlora", "owner/name", 0.25)


@pytest.mark.parametrize("press", ["", "show:", "move:", "move:[1]", "move:{", "other:x"])
def test_a_press_that_says_nothing_changes_nothing(tab: RecipeTab, press: str) -> None:
    before = values_of(tab.draft)
    assert after(before, moved(tab.draft, before, press)) == before


def test_a_button_out_of_bounds_is_refused(tab: RecipeTab) -> None:
    with pytest.raises(gr.Error, match="largest value"):
        moved(tab.draft, values_of(tab.draft), 'move:{"training.batch_size": 9999}')


def test_every_option_has_a_place_that_is_on_the_page(tab: RecipeTab) -> None:
    """The ids that a button leads to are those of components."""
    drawn_ids = {str(each.elem_id) for each in _all_of(tab)}
    for method in METHODS:
        recipe = Recipe(method=method())
        for knob in knobs(method):
            there = places(recipe, f"method.{knob.name}")
            assert there[-1].startswith(name_of(method))
            assert set(there) <= drawn_ids, f"{there} of {method.title}"
    for task in TASKS:
        for knob in knobs(task):
            assert set(places(Recipe(task=task()), f"task.{knob.name}")) <= drawn_ids
    for knob in knobs(type(Recipe().training)):
        assert set(places(Recipe(), f"training.{knob.name}")) <= drawn_ids
    assert places(Recipe(), "method.name") == ["method"]
    assert places(Recipe(), "model.id") == ["tab:Model", "base-model"]
    assert places(Recipe(), "data.path") == ["tab:Data"]
    assert places(Recipe(), "nonsense") == []


def _all_of(tab: RecipeTab) -> list[gr.blocks.Block]:
    """Every block of the page that the tab is on."""
    top = tab.preset
    while top.parent is not None:
        top = top.parent
    found, waiting = [], [top]
    while waiting:
        block = waiting.pop()
        found.append(block)
        waiting += getattr(block, "children", [])
    return found
