"""A search in words and pictures: how far, the best, a line for each run; nothing that it was told is shown as HTML."""

from __future__ import annotations

import html
import json
import math
import re
from pathlib import Path

import pytest

from studio.recipe.recipe import Recipe
from studio.run.directory import Run, Status
from studio.run.search.plan import Dimension, SearchPlan, searchable
from studio.run.search.search import Search, Trial, begin_search
from studio.ui.search.overview import best_of, coordinates, overview

PLAN = SearchPlan(
    how="grid",
    trials=4,
    over=(
        Dimension(option="training.learning_rate", low=1e-4, high=1e-2, log=True),
        Dimension(option="method.rank", choices=(4, 8, 16)),
    ),
)
KNOBS = searchable(Recipe())


def trial(number: int, rate: float, rank: int, *losses: float, status=Status.FINISHED, given_up=False) -> Trial:
    changes = {"training.learning_rate": rate, "method.rank": rank}
    return Trial(Run(Path(f"2026-<b>run{number}")), number, changes, status, (5.0, *losses), given_up)


TRIALS = [
    trial(0, 1e-4, 4, 3.0, 2.5),
    trial(1, 1e-3, 16, 2.0, 1.25),
    trial(2, 1e-2, 8, 4.0, status=Status.STOPPED, given_up=True),
    trial(3, 1e-3, 4, status=Status.RUNNING),
]


@pytest.fixture
def search(home) -> Search:
    return begin_search(home, Recipe(), PLAN)


def test_it_says_how_far_it_is_and_what_was_best(search):
    shown = overview(search, TRIALS, KNOBS)
    assert "3 of at most 4 runs done, 1 given up early" in shown
    assert "held-out loss 1.2500 with Learning rate 0.001, Rank 16" in shown
    assert "<b>run" not in shown
    assert "&lt;b&gt;run1" in shown
    assert shown.count("data-figure=") == 2
    assert best_of(TRIALS) is TRIALS[1]
    assert best_of(TRIALS[3:]) is None


def test_each_run_is_a_line_from_its_settings_to_its_loss():
    done = TRIALS[:3]
    figure = coordinates(PLAN, done, done[1], ["Learning rate", "Rank"])
    lines = {trace["hovertemplate"].split("<br>")[0]: trace for trace in figure["data"]}
    assert len(lines) == 3
    heights = {name: trace["y"] for name, trace in lines.items()}
    assert heights["2026-&lt;b&gt;run0"] == pytest.approx([0, 0, (2.5 - 1.25) / (4.0 - 1.25)])
    assert heights["2026-&lt;b&gt;run1"] == pytest.approx([0.5, 1, 0])
    assert heights["2026-&lt;b&gt;run2"] == pytest.approx([1, 0.5, 1])
    assert figure["data"][-1] is lines["2026-&lt;b&gt;run1"]  # the best is drawn last, on top
    assert all(math.isfinite(value) for trace in figure["data"] for value in trace["y"])


def test_the_figures_are_whole_json(search):
    shown = overview(search, TRIALS, KNOBS)
    for drawn in re.findall(r'data-figure="([^"]*)"', shown):
        assert json.loads(html.unescape(drawn))["layout"]["height"] > 100


def test_a_search_without_a_loss_yet_says_only_how_far_it_is(search):
    shown = overview(search, [], KNOBS)
    assert "0 of at most 4 runs done" in shown
    assert "Best so far" not in shown


def test_equal_losses_and_one_run_are_drawn_too(search):
    same = [trial(0, 1e-3, 4, 1.0), trial(1, 1e-3, 8, 1.0)]
    assert "Settings and what came of them" in overview(search, same, KNOBS)
    assert "Settings and what came of them" not in overview(search, same[:1], KNOBS)


def test_what_ended_it_is_said(search):
    (search.path / "error").write_text("There is <no> file.", "utf-8")
    search.end()
    shown = overview(search, [], KNOBS)
    assert "There is &lt;no&gt; file." in shown
    assert "Over:" in shown
