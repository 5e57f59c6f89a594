"""The order of waiting runs: by age, unless a person moved them, and nothing that a restart would forget."""

from __future__ import annotations

import multiprocessing
import os

import pytest

from studio.errors import StudioError
from studio.home import Home
from studio.run.directory import Run
from studio.run.order import FIRST, LAST, in_order, move, waiting
from studio.run.wish import Wish


@pytest.fixture
def runs(make_run):
    return [make_run({"training.seed": seed}) for seed in range(4)]


def test_by_age_until_one_is_moved(home, runs):
    a, b, c, d = runs
    assert waiting(home) == [a, b, c, d]
    assert move(home, c, -1) == 2
    assert waiting(home) == [a, c, b, d]
    assert move(home, a, 2) == 3
    assert waiting(home) == [c, b, a, d]
    assert move(home, d, FIRST) == 1
    assert move(home, c, LAST) == 4
    assert waiting(home) == [d, b, a, c]
    assert waiting(Home(home.root)) == [d, b, a, c], "another process reads the same"


def test_what_comes_later_is_last_and_names_that_are_gone_are_no_matter(home, runs, make_run):
    move(home, runs[3], FIRST)
    runs[0].ask(Wish.CANCEL)
    new = make_run({"training.seed": 9})
    assert waiting(home) == [runs[3], runs[1], runs[2], new]
    assert move(home, new, -1) == 3
    assert waiting(home) == [runs[3], runs[1], new, runs[2]]
    assert runs[0].name not in (home.root / "queue.json").read_text()


def test_only_a_waiting_run_is_moved(home, runs):
    runs[0].ask(Wish.STOP)
    with pytest.raises(StudioError, match=r"is stopped\. Only a run that waits"):
        move(home, runs[0], FIRST)


@pytest.mark.parametrize("text", ["", "{", '{"a": 1}', "[1, null, [2]]", '["../..", "none"]', "\x00"])
def test_a_damaged_file_costs_the_order_and_nothing_else(home, runs, text):
    (home.root / "queue.json").write_text(text)
    assert waiting(home) == runs
    assert move(home, runs[1], FIRST) == 1


def test_a_home_that_is_read_only_is_said_and_the_order_stays(home, runs, monkeypatch):
    def refused(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("studio.run.order._say", refused)
    with pytest.raises(StudioError, match="Read-only file system"):
        move(home, runs[2], FIRST)
    assert waiting(home) == runs


def test_many_that_move_at_once_lose_nothing(home, runs):
    """Each of two processes moves another run to the front and back, over and over."""
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=_shuffle, args=(home, run)) for run in runs[:2]]
    for child in children:
        child.start()
    for child in children:
        child.join(30)
        assert child.exitcode == 0
    assert set(waiting(home)) == set(runs)
    assert [path.name for path in home.root.glob(".queue*")] == []


def _shuffle(home: Home, run: Run) -> None:
    for _ in range(20):
        move(home, run, FIRST)
        move(home, run, LAST)


def test_a_clock_that_is_set_back_turns_no_order_round(home, make_run):
    first = make_run({"training.seed": 1})
    later = (first.path / "recipe.yaml").stat().st_mtime_ns + 3600 * 10**9
    os.utime(first.path / "recipe.yaml", ns=(later, later))  # made while the clock was an hour ahead
    second, third = make_run({"training.seed": 2}), make_run({"training.seed": 3})
    assert waiting(home) == [first, second, third]
    assert in_order(home, [second, first]) == [second, first], "those of no known place stay as they come"
