"""The forecast's panel: what it says, and what its buttons move."""

from __future__ import annotations

import json
from html import unescape
from types import SimpleNamespace

import gradio as gr
import pytest

from studio.recipe.recipe import Recipe
from studio.run.forecast.forecast import Forecast
from studio.run.forecast.forecasts import ForecastState, RehearsalState
from studio.run.rehearsal.wire import Rehearsed
from studio.ui.recipe import forecast
from studio.ui.recipe.forecast import duration, memory_figure, moved, panel_html, press
from tests.ui.recipe.fields import drawn, studio_in, values_of

GIGABYTE = 10**9
TOLD = Forecast(
    memory_bytes=6 * GIGABYTE,
    parts={"weights": 4 * GIGABYTE, "activations": 2 * GIGABYTE},
    error=0.05,
    capacity_bytes=8 * GIGABYTE,
    device="this machine's memory",
    seconds=600,
    seconds_low=300,
    seconds_high=900,
    step_seconds=2,
    steps=300,
    trainable_parameters=1000,
    parameters=100_000,
    stored_bytes=4000,
    moment="as the backward pass begins",
    assumed=("The rows are not counted yet.",),
)
FOUND = Rehearsed(
    id=1, peak_bytes=5 * GIGABYTE, capacity_bytes=8 * GIGABYTE, step_seconds=2.5, steps=300, seconds=750, batch=8,
    longest=200, largest_batch=12,
)  # fmt: skip
QUIET = RehearsalState()


def panel(told: Forecast = TOLD, rehearsal: RehearsalState = QUIET, recipe: Recipe | None = None) -> str:
    return panel_html(recipe or Recipe(), ForecastState(told), rehearsal)


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    return studio_in(tmp_path_factory.mktemp("forecast"))


@pytest.fixture(scope="module")
def tab(studio):
    return drawn(studio)


def test_it_says_memory_time_and_counts():
    html = unescape(panel())
    assert "About 6 GB, as the backward pass begins: 75 % of this machine's memory, which has 8 GB." in html
    assert "It fits." in html
    assert "About 10 minutes for 300 steps (5 minutes to 15 minutes), 2.0 seconds a step." in html
    assert "Trains 1,000 of 100,000 weights (1 %) and stores 4 kB." in html
    assert "The rows are not counted yet." in html
    assert "set:" not in html


def test_what_is_too_large_says_what_to_move():
    html = panel(TOLD.model_copy(update={"memory_bytes": 8 * GIGABYTE}))
    assert "does not fit" in html
    assert "set:batch_size=4,gradient_accumulation=2" in html
    assert "set:gradient_checkpointing=yes" in html
    assert "QLoRA" in html


def test_the_bar_has_a_piece_for_each_part_and_the_end_of_the_memory():
    figure = memory_figure(TOLD)
    assert {piece["name"]: piece["x"] for piece in figure["data"]} == {
        "weights": [4 * GIGABYTE],
        "activations": [2 * GIGABYTE],
    }
    assert figure["layout"]["shapes"][0]["x0"] == 8 * GIGABYTE
    assert json.dumps(figure)


def test_while_nothing_is_known_it_says_what_is_done():
    assert "following one step" in panel_html(Recipe(), ForecastState(doing="Following one step"), QUIET)
    assert "&lt;b&gt;" in panel_html(Recipe(), ForecastState(error="<b>"), QUIET)


def test_a_rehearsal_is_told_and_offers_its_batch():
    html = panel(rehearsal=RehearsalState(found=FOUND))
    assert "The peak was 5 GB of 8 GB, with 8 rows of 200 tokens at once." in html
    assert 'data-press="set:batch_size=12"' in html
    assert 'data-press="end"' in panel(rehearsal=RehearsalState(doing="Loading the base model"))
    assert "No batch is safe" in panel(rehearsal=RehearsalState(found=FOUND.model_copy(update={"largest_batch": 0})))


def test_buttons_move_the_controls_they_name_and_no_others(tab):
    fields = tab.draft.training.fields
    assert moved(tab.draft, "set:batch_size=4,gradient_accumulation=2") == {
        fields["batch_size"]: 4,
        fields["gradient_accumulation"]: 2,
    }
    assert moved(tab.draft, "set:gradient_checkpointing=yes") == {fields["gradient_checkpointing"]: True}
    assert moved(tab.draft, "set:learning_rate=9,seed=1,batch_size=x") == {}


def test_no_rehearsal_while_a_run_trains(studio, tab, monkeypatch):
    monkeypatch.setattr(type(studio), "active_runs", lambda _: [SimpleNamespace()])
    with pytest.raises(gr.Error, match="when the run is over"):
        press(studio, tab.draft, tab.forecast, values_of(tab.draft), "rehearse")


def test_a_rehearsal_begins_with_the_recipe_on_the_page(studio, tab, monkeypatch):
    asked = []
    monkeypatch.setattr(type(studio.forecasts), "rehearse", lambda _, recipe: asked.append(recipe))
    monkeypatch.setattr(type(studio.forecasts), "at", lambda *_: ForecastState(TOLD))
    updates = press(studio, tab.draft, tab.forecast, values_of(tab.draft), "rehearse")
    assert asked == [tab.draft.recipe(values_of(tab.draft))]
    assert updates[tab.forecast.timer].active
    assert "About 6 GB" in updates[tab.forecast.html]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.44, "0.4 seconds"), (61, "61 seconds"), (600, "10 minutes"), (7200, "2 hours"), (864_000, "10 days")],
)
def test_times_are_said_in_one_unit(seconds, said):
    assert duration(seconds) == said


def test_every_part_has_a_colour_and_words():
    assert set(forecast.COLOURS) == set(forecast.MEANS) == set(forecast.PARTS)
