"""The chart: what it shows, what it never shows, and that extending it is the same as drawing it anew."""

from __future__ import annotations

import json
import math
import random
from itertools import pairwise

import pytest

from studio.charts import MOST_POINTS, TRACES, Points, loss_figure, new_points, thin
from studio.progress import Mean, Progress
from studio.run.events import AnyEvent, Metrics, Phase, Started

RAW, SMOOTH, HELD_OUT, RATE, SPEED, LOST, HELD_OUT_LOST = range(len(TRACES))


def run_of(steps: int, every: int = 10) -> list[AnyEvent]:
    chance = random.Random(1)
    events: list[AnyEvent] = [Phase(phase="training", time=100.0), Metrics(time=101.0, values={"eval_loss": 3.0})]
    for step in range(1, steps + 1):
        values = {"loss": 3 / step + chance.random(), "learning_rate": 2e-4, "tokens_per_second": 800.0}
        events.append(Metrics(step=step, time=101.0 + step, values=values))
        if step % every == 0:
            events.append(Metrics(step=step, time=101.0 + step, values={"eval_loss": 2.0}))
    return events


def test_each_number_is_drawn_over_its_step() -> None:
    data = loss_figure(run_of(20))["data"]
    assert data[RAW]["x"] == list(range(1, 21)) == data[SMOOTH]["x"]
    assert (data[HELD_OUT]["x"], data[HELD_OUT]["y"]) == ([0, 10, 20], [3.0, 2.0, 2.0])
    assert data[RATE]["y"] == [2e-4] * 20
    assert {data[i]["yaxis"] for i in (RAW, SMOOTH, HELD_OUT)} == {"y"}


def test_smoothing_begins_at_the_first_value_and_is_calmer_than_what_it_smooths() -> None:
    raw, smooth = (loss_figure(run_of(60))["data"][i]["y"] for i in (RAW, SMOOTH))
    assert smooth[0] == raw[0]
    assert jump(smooth[30:]) < jump(raw[30:]) / 3


def jump(y: list[float]) -> float:
    """The largest change from one point to the next."""
    return max(abs(b - a) for a, b in pairwise(y))


@pytest.mark.parametrize("cut", [0, 1, 2, 17, 44])
def test_a_chart_that_was_extended_equals_one_drawn_from_scratch(cut: int) -> None:
    events = run_of(40)
    events[cut] = Metrics(step=5, values={"loss": math.nan})
    before, mean = new_points(events[:cut])
    news, after = new_points(events[cut:], Mean(*json.loads(json.dumps(mean))))  # it travels to the browser and back
    extended = [(old.x + new.x, old.y + new.y) for old, new in zip(before, news, strict=True)]
    assert extended == [(trace["x"], trace["y"]) for trace in loss_figure(events)["data"]]
    assert after == new_points(events)[1]


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_is_a_gap_with_a_mark_and_never_zero(wrong: float) -> None:
    events = [Metrics(step=step, values={"loss": wrong if step == 2 else 1.0}) for step in (1, 2, 3)]
    data = loss_figure(events)["data"]
    assert data[RAW]["y"] == data[SMOOTH]["y"] == [1.0, None, 1.0]
    assert data[LOST]["x"] == [2]
    assert data[LOST]["yaxis"] == "y4"  # not the axis of the losses
    json.dumps(data, allow_nan=False)


def test_a_run_without_numbers_has_an_empty_chart() -> None:
    assert all(trace["x"] == [] for trace in loss_figure([Phase(phase="loading")])["data"])


def test_thinning_keeps_spikes_gaps_and_ends() -> None:
    y: list[float | None] = [1.0] * 20_000
    y[7_777], y[12_345], y[15_000] = 99.0, -5.0, None
    thinned = thin(Points(list(range(20_000)), y))
    drawn = dict(zip(thinned.x, thinned.y, strict=True))
    assert len(thinned.x) <= MOST_POINTS
    assert thinned.x == sorted(set(thinned.x))
    assert (drawn[7_777], drawn[12_345], drawn[15_000]) == (99.0, -5.0, None)
    assert {0, 19_999} <= set(drawn)


def test_time_left_counts_steps_and_held_out_checks_to_come() -> None:
    events: list[AnyEvent] = [
        Phase(phase="training", time=100),
        Started(steps=40, epochs=2, rows=80, held_out_rows=8, trainable_parameters=1, parameters=2, time=100),
    ]
    now = 100.0
    for step in range(21):
        if step:
            now += 9 if step == 1 else 2  # the first step warms up
            events.append(Metrics(step=step, time=now, values={"loss": 1.0}))
        if step % 10 == 0:
            now += 5
            events.append(Metrics(step=step, time=now, values={"eval_loss": 1.0}))
    progress = Progress().after(events)
    left = progress.time_left(now)
    assert left is not None
    assert left[0] == pytest.approx(20 * 2 + 2 * 5)
    assert "20 steps at 2 s" in left[1]
    assert "2 held-out checks at 5 s" in left[1]
    later = progress.time_left(now + 1.5)
    assert later is not None
    assert later[0] == pytest.approx(48.5)


def test_no_time_left_is_claimed_before_there_is_anything_to_go_by() -> None:
    assert Progress().time_left(1.0) is None
    assert Progress().after([Metrics(step=1, values={"loss": 1.0})]).time_left(1.0) is None


def test_progress_goes_on_from_what_was_sent_back() -> None:
    events = run_of(30)
    halfway = Progress.model_validate_json(Progress().after(events[:20]).model_dump_json())
    assert halfway.after(events[20:]) == Progress().after(events)
