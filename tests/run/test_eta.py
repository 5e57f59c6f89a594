"""The time left, from the steps done: the arithmetic, and the error on real runs that were recorded."""

from __future__ import annotations

import json
import random
import statistics
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from studio.progress import Progress
from studio.run.eta import pace_of, seconds_left
from studio.run.events import AnyEvent, Metrics

RECORDED = json.loads(Path(__file__).with_name("step_times.json").read_text("utf-8"))


def test_steps_checks_and_saving_add_up():
    assert seconds_left([2.0, 2.0, 2.0], 10, 40, 3, 5.0, save=4.0).seconds == 30 * 2 + 3 * 5 + 4
    assert seconds_left([2.0], 40, 40, 0, 5.0) == (0, 0, 0)
    assert seconds_left([2.0], 41, 40, 0, 5.0).seconds == 0


def test_a_stall_counts_as_a_few_steps():
    assert pace_of([1.0] * 9 + [600.0]) == pytest.approx((9 + 4) / 10)
    assert pace_of([1.0, 2.0, 3.0]) == 2


def test_without_a_step_nothing_is_claimed():
    with pytest.raises(ValueError, match="no step"):
        seconds_left([], 0, 10, 0, 1.0)


def test_the_bounds_hold_nineteen_times_out_of_twenty_and_are_not_idle():
    chance, held, widths = random.Random(1), 0, []
    for _ in range(400):
        steps = [chance.lognormvariate(0, 0.3) for _ in range(110)]
        left = seconds_left(steps[:10], 10, 110, 0, 0.0)
        held += left.low <= sum(steps[10:]) <= left.high
        widths.append((left.high - left.low) / left.seconds)
    assert held >= 0.93 * 400
    assert statistics.median(widths) < 0.6


@pytest.mark.parametrize("name", RECORDED)
def test_after_ten_steps_the_whole_time_of_a_real_run_is_known_to_a_tenth(name):
    events: list[AnyEvent] = TypeAdapter(list[AnyEvent]).validate_python(RECORDED[name])
    done = next(at for at, event in enumerate(events) if isinstance(event, Metrics) and event.step == 10)
    left = Progress().after(events[: done + 1]).time_left(events[done].time)
    assert left is not None
    last = [event for event in events if isinstance(event, Metrics)][-1]
    whole, forecast = last.time - events[0].time, events[done].time - events[0].time + left[0]
    assert last.step >= 80
    assert forecast == pytest.approx(whole, rel=0.1)
