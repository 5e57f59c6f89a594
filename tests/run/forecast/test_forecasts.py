"""The page's end of forecasts, over a stand-in for the child."""

from __future__ import annotations

import threading
import time

import pytest

from studio.errors import StudioError
from studio.recipe.methods.every import METHODS
from studio.run.forecast import forecasts, wire
from studio.run.forecast.forecast import Cost, Forecast

TOLD = Forecast(
    memory_bytes=10, parts={"weights": 10}, error=0.1, capacity_bytes=11, device="it", seconds=1, seconds_low=1,
    seconds_high=2, step_seconds=1, steps=1, trainable_parameters=1, parameters=2, stored_bytes=4, moment="then",
)  # fmt: skip


class EchoLane:
    """Answers what it is asked once it is let."""

    def __init__(self, *_):
        self.asked = []
        self.let = threading.Event()
        self.let.set()

    def ask(self, make, patience, told):
        request = make(1)
        self.asked.append(request)
        told(wire.Doing(id=1, what="Following one step"))
        self.let.wait(10)
        if request.recipe.training.batch_size == 66:
            raise StudioError("No.")
        if isinstance(request, wire.Estimate):
            return wire.Estimated(id=1, forecast=TOLD)
        name = request.recipe.method.name
        cost = Cost(method=name, trainable_parameters=1, parameters=2, memory_bytes=3, stored_bytes=4)
        return wire.Compared(id=1, cost=cost)

    def close(self):
        self.let.set()


@pytest.fixture
def asked(home, monkeypatch):
    monkeypatch.setattr(forecasts, "Lane", EchoLane)
    found = forecasts.Forecasts(home, lambda recipe: None)
    yield found
    found.close()


def wait_for(look):
    until = time.monotonic() + 10
    while not (found := look()):
        assert time.monotonic() < until
        time.sleep(0.005)
    return found


def test_a_forecast_comes_by_and_by_and_is_remembered(asked, make_recipe):
    recipe = make_recipe()
    assert asked.at(recipe).forecast is None
    assert wait_for(lambda: asked.at(recipe).forecast) == TOLD
    assert asked.at(make_recipe({"training.learning_rate": 0.002})).forecast == TOLD  # costs the same
    assert len(asked._lane.asked) == 1
    assert asked.at(make_recipe({"training.batch_size": 2})).forecast is None


def test_what_cannot_be_forecast_is_said(asked, make_recipe):
    assert wait_for(lambda: asked.at(make_recipe({"training.batch_size": 66})).error) == "No."


def test_the_newest_question_comes_first(asked, make_recipe):
    asked._lane.let.clear()
    asked.at(make_recipe({"training.batch_size": 1}))
    wait_for(lambda: asked._lane.asked)
    for batch in (2, 3, 4):
        asked.at(make_recipe({"training.batch_size": batch}))
    asked._lane.let.set()
    wait_for(lambda: len(asked._lane.asked) == 4)
    assert [request.recipe.training.batch_size for request in asked._lane.asked] == [1, 4, 3, 2]


def test_costs_come_together_and_after_forecasts(asked, make_recipe):
    recipe = make_recipe()
    asked._lane.let.clear()
    assert asked.costs(recipe) is None
    wait_for(lambda: asked._lane.asked)
    asked.at(recipe)
    asked._lane.let.set()
    costs = wait_for(lambda: asked.costs(recipe))
    assert [cost.method for cost in costs] == [
        m.model_fields["name"].default for m in METHODS if recipe.task.name in m.tasks
    ]
    assert isinstance(asked._lane.asked[1], wire.Estimate)


def test_nothing_is_asked_after_the_end(asked, make_recipe):
    asked.close()
    assert asked.at(make_recipe()).forecast is None
    assert asked._lane.asked == []


def test_whether_it_fits_counts_the_error():
    assert TOLD.fits
    assert not TOLD.model_copy(update={"error": 0.2}).fits
