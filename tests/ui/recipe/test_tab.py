"""Switching the method, presets, and what follows from a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from studio.recipe.methods.every import METHODS, method_named, name_of
from studio.recipe.presets import presets
from studio.recipe.rates import usual_rate
from studio.recipe.recipe import Recipe
from studio.run.forecast.forecast import Cost, Forecast
from studio.run.forecast.forecasts import ForecastState, RehearsalState
from studio.ui.recipe import tab as recipe_tab
from studio.ui.recipe.tab import RecipeTab
from studio.ui.studio import Studio
from tests.ui.recipe.fields import after, drawn, studio_in, values_of

FORECAST = Forecast(
    memory_bytes=10**9,
    parts={},
    error=0.1,
    capacity_bytes=10**10,
    device="this machine's memory",
    seconds=60,
    seconds_low=50,
    seconds_high=70,
    step_seconds=1,
    steps=60,
    trainable_parameters=123_456,
    parameters=1_000_000,
    stored_bytes=490_000,
    moment="in a step",
)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return studio_in(tmp_path_factory.mktemp("tab"))


@pytest.fixture(scope="module")
def tab(studio: Studio) -> RecipeTab:
    return drawn(studio)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(gr, "Info", lambda text, *_: said.append(text))
    return said


def switched(tab: RecipeTab, to: str, changes: dict[Any, Any] | None = None) -> Recipe:
    """The recipe after a person changed these fields and picked this method."""
    draft = tab.draft
    values = values_of(draft) | (changes or {}) | {draft.method.chosen: to}
    return draft.recipe(after(values, recipe_tab.switch_method(draft, values)))


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_each_method_can_be_picked_and_gets_its_usual_rate(tab: RecipeTab, told: list[str], method: Any) -> None:
    recipe = switched(tab, name_of(method))
    assert isinstance(recipe.method, method)
    wanted = usual_rate("starter", recipe.method.name)
    assert recipe.training.learning_rate == wanted
    assert len(told) == (wanted != usual_rate("starter", "lora"))
    if told:
        assert method.title in told[0]
        assert f"{wanted:g}" in told[0]


def test_what_was_altered_is_carried_and_what_was_not_takes_the_new_default(tab: RecipeTab, told: list[str]) -> None:
    recipe = switched(tab, "qlora", {tab.draft.method.forms["lora"].fields["rank"]: 24})
    assert recipe.method.rank == 24  # type: ignore[attr-defined]
    for method in METHODS:
        expected = method()
        assert switched(tab, name_of(method)).method == expected


def test_a_rate_set_by_hand_is_not_moved_without_a_word(tab: RecipeTab, told: list[str]) -> None:
    rate = tab.draft.training.fields["learning_rate"]
    like = next(m for m in METHODS if m.rate == 1 and name_of(m) != "lora")
    assert switched(tab, name_of(like), {rate: 0.003}).training.learning_rate == 0.003
    assert told == []
    unlike = next(m for m in METHODS if m.rate != method_named("lora").rate)
    moved = switched(tab, name_of(unlike), {rate: 0.003}).training.learning_rate
    assert moved == usual_rate("starter", name_of(unlike)) != 0.003
    assert "from 0.003 (yours" in told[0]


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.name)
def test_a_preset_sets_everything(tab: RecipeTab, preset: Any) -> None:
    updates = recipe_tab.apply_preset(tab, {tab.preset: preset.name})
    recipe = tab.draft.recipe(after(values_of(tab.draft), updates))
    assert (recipe.task, recipe.method, recipe.training) == (
        preset.recipe.task,
        preset.recipe.method,
        preset.recipe.training,
    )


def test_a_broken_recipe_shows_all_that_is_wrong_and_leaves_the_rest(studio: Studio, tab: RecipeTab) -> None:
    fields = tab.draft.training.fields
    broken = {fields["epochs"]: -1, fields["schedule"]: "<b>"}
    updates = recipe_tab.show(studio, tab, values_of(tab.draft) | broken)
    assert "training.epochs" in updates[tab.advice]
    assert "&lt;b&gt;" in updates[tab.advice]
    assert set(updates) == set(tab.outputs)


class Asked:
    """Forecasts that come at the second look."""

    def __init__(self) -> None:
        self.looks = 0

    def at(self, recipe: Recipe) -> ForecastState:
        self.looks += 1
        return ForecastState(doing="counting") if self.looks == 1 else ForecastState(forecast=FORECAST)

    def costs(self, recipe: Recipe) -> tuple[Cost, ...] | None:
        cost = Cost(method="lora", trainable_parameters=5, parameters=1000, memory_bytes=10**9, stored_bytes=10)
        return None if self.looks == 1 else (cost,)

    def rehearsal(self, recipe: Recipe) -> RehearsalState:
        return RehearsalState()


def test_nothing_is_forecast_until_the_tab_is_opened_and_then_until_it_is_known(tmp_path: Path) -> None:
    studio, asked = studio_in(tmp_path), Asked()
    studio.__dict__["forecasts"] = asked
    tab = drawn(studio)
    closed = recipe_tab.show(studio, tab, values_of(tab.draft))
    assert asked.looks == 0
    assert closed[tab.timer].active is False
    opened = values_of(tab.draft) | {tab.opened: True}
    first, second = recipe_tab.show(studio, tab, opened), recipe_tab.show(studio, tab, opened)
    assert "being counted" in first[tab.card]
    assert first[tab.comparison] == recipe_tab.WAITING
    assert first[tab.timer].active is True
    assert "123,456 weights, 12 % of all" in second[tab.card]
    assert "490 kB" in second[tab.card]
    assert "<svg" in second[tab.comparison]
    assert second[tab.timer].active is False
    looked = recipe_tab.look(studio, tab, opened | {tab.drawn: first[tab.drawn]})
    assert looked[tab.card] == second[tab.card]
    for left_alone in (tab.advice, tab.schedule, tab.texts.yaml):
        assert looked[left_alone] == gr.skip(), "nobody's press is lost to a redraw of the same"


def test_the_card_of_each_method_says_what_when_and_where_from() -> None:
    for method in METHODS:
        html = recipe_tab.card_html(method, None)
        for text in (method.title, method.source):
            assert text in html.replace("&amp;", "&").replace("&#x27;", "'")
        assert "being counted" in html


def test_every_method_has_a_card_to_pick_in_its_family(tmp_path: Path) -> None:
    html = recipe_tab.picker.cards_html()
    assert html.count('type="radio"') == len(METHODS)
    for method in METHODS:
        family = html.split(f"<b>{method.family}</b>")[1].split("</details>")[0]
        assert f'value="{name_of(method)}"' in family
