"""A whole search over the tiny base: its runs, its best, its end; and what ends it early."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from studio.errors import StudioError
from studio.recipe.read import changed
from studio.run.directory import Status
from studio.run.launchers import ThreadLauncher
from studio.run.queue import Queue
from studio.run.search.conductor import Conductor
from studio.run.search.plan import Dimension, SearchPlan
from studio.run.search.search import SearchStatus, begin_search, find_search, list_searches
from tests.tiny_run import one_thread

RATE = Dimension(option="training.learning_rate", choices=(1e-5, 1e-2))
RANK = Dimension(option="method.rank", choices=(2, 4))
PLAN = SearchPlan(how="grid", over=(RATE, RANK), prune=False)


@pytest.fixture(autouse=True, scope="module")
def quick():
    with one_thread():
        yield


@pytest.fixture
def conductor(home) -> Iterator[Conductor]:
    """One whose looks the test makes itself; the runs are done by a queue with the thread launcher."""
    queue = Queue(home, ThreadLauncher(), spare=False)
    queue.start()
    yield Conductor(home, lambda: True, queue.poke)
    queue.close()


def settle(conductor, home, search, until=lambda trials: False) -> list:
    """Look until the search is over, or something else is so."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        conductor.look()
        trials = search.trials(home)
        if search.status(trials) is SearchStatus.OVER or until(trials):
            return trials
        time.sleep(0.05)
    raise AssertionError(search.trials(home))


def test_a_search_makes_its_runs_one_after_the_other_and_knows_the_best(home, make_recipe, conductor):
    recipe = make_recipe({"training.epochs": 4})
    search = begin_search(home, recipe, PLAN)
    trials = settle(conductor, home, search)
    assert [trial.status for trial in trials] == [Status.FINISHED] * 4
    assert [trial.number for trial in trials] == [0, 1, 2, 3]
    for trial in trials:
        assert trial.run.recipe == changed(recipe, trial.changes)
        assert len(trial.losses) == 3
        assert trial.best == min(trial.losses[1:])
    best = min(trials, key=lambda trial: trial.best)
    assert best.changes["training.learning_rate"] == 1e-2
    assert find_search(home, search.name[5:]).plan == PLAN
    assert list_searches(home) == [search]


def test_a_restarted_studio_goes_on_where_the_search_was(home, make_recipe, conductor):
    search = begin_search(home, make_recipe({"training.max_steps": 2}), PLAN)
    settle(conductor, home, search, until=lambda trials: len(trials) == 2)
    another = Conductor(home, lambda: True)
    trials = settle(another, home, search)
    assert [trial.number for trial in trials] == [0, 1, 2, 3]


def test_stop_ends_the_run_under_way_and_begins_no_other(home, make_recipe, conductor):
    search = begin_search(home, make_recipe({"training.epochs": 50}), PLAN)
    settle(conductor, home, search, until=lambda trials: bool(trials and trials[0].losses))
    search.ask_to_stop()
    (trial,) = settle(conductor, home, search)
    assert trial.status is Status.STOPPED


def test_runs_that_all_fail_end_the_search(home, make_recipe, conductor, monkeypatch):
    monkeypatch.setattr("studio.run.train.load_base", lambda *_: 1 / 0)
    search = begin_search(home, make_recipe(), PLAN)
    trials = settle(conductor, home, search)
    assert [trial.status for trial in trials] == [Status.FAILED] * 3


def test_a_recipe_that_cannot_be_trained_is_said_in_words(home, make_recipe, conductor):
    search = begin_search(home, make_recipe({"data.path": "/no/such/file.csv"}), PLAN)
    assert settle(conductor, home, search) == []
    assert "There is no file" in (search.path / "error").read_text()


def test_a_plan_that_does_not_fit_makes_no_folder(home, make_recipe):
    with pytest.raises(StudioError):
        begin_search(home, make_recipe(), SearchPlan())
    assert list_searches(home) == []
