"""The chart: what it shows, what it never shows, and that extending it is the same as drawing it anew."""

from __future__ import annotations

import json
import math
import random
from itertools import pairwise

import pytest

from studio.charts import (
    GIB,
    MOST_BESIDE,
    MOST_NEWS,
    MOST_POINTS,
    PANELS,
    Figure,
    Points,
    curve,
    extension,
    run_figure,
    thin,
    thin_means,
)
from studio.progress import Progress
from studio.run.events import AnyEvent, Metrics, Phase, Resumed, Saved, Started


def lines(figure: Figure) -> dict[tuple[str, str], Figure]:
    """The lines of a figure by what they show: (key, "values" or "smoothed")."""
    return {(trace["meta"]["key"], trace["meta"]["shows"]): trace for trace in figure["data"]}


RAW, SMOOTHED, HELD_OUT = ("loss", "values"), ("loss", "smoothed"), ("eval_loss", "values")
RATE = ("learning_rate", "values")


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
    drawn = lines(run_figure(run_of(20)))
    assert drawn[RAW]["x"] == list(range(1, 21)) == drawn[SMOOTHED]["x"]
    assert (drawn[HELD_OUT]["x"], drawn[HELD_OUT]["y"]) == ([0, 10, 20], [3.0, 2.0, 2.0])
    assert drawn[RATE]["y"] == [2e-4] * 20
    assert {drawn[key]["yaxis"] for key in (RAW, SMOOTHED, HELD_OUT)} == {"y"}


def test_each_panel_has_an_axis_and_says_whether_it_is_shown_at_first() -> None:
    figure = run_figure([])
    axes = {panel["key"]: set() for panel in figure["panels"]}
    for trace in figure["data"]:
        axes[trace["meta"]["panel"]].add(trace["yaxis"])
    assert all(len(found) == 1 for found in axes.values())
    assert len(set.union(*axes.values())) == len(PANELS)
    assert all(f"yaxis{axis[1:]}" in figure["layout"] for axis in set.union(*axes.values()))
    assert [panel["key"] for panel in figure["panels"] if panel["shown"]] == [
        "loss",
        "probe_right",
        "rewards/margins",
        "rewards/accuracies",
        "gap",
        "learning_rate",
        "tokens_per_second",
    ]


def test_memory_is_drawn_in_gibibytes() -> None:
    drawn = lines(run_figure([Metrics(step=1, values={"memory": 3 * GIB, "gpu_memory": GIB / 2})]))
    assert (drawn["memory", "values"]["y"], drawn["gpu_memory", "values"]["y"]) == ([3.0], [0.5])


def jump(y: list[float]) -> float:
    """The largest change from one point to the next."""
    return max(abs(b - a) for a, b in pairwise(y))


@pytest.mark.parametrize("cut", [0, 1, 2, 17, 44])
def test_a_chart_that_was_extended_equals_one_drawn_from_scratch(cut: int) -> None:
    events = run_of(40)
    events[cut] = Metrics(step=5, values={"loss": math.nan})
    extended, whole = run_figure(events[:cut])["data"], run_figure(events)["data"]
    for at, new in extension(events[cut:]).items():
        for axis in ("x", "y"):
            extended[at][axis] = extended[at][axis] + new[axis]
    for before, after in zip(extended, whole, strict=True):
        if before["meta"]["shows"] == "values":
            assert (before["x"], before["y"]) == (after["x"], after["y"])
    drawn = lines(run_figure(events))
    assert drawn[SMOOTHED]["y"] == drawn[RAW]["y"], "what the browser smooths are the values"


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("key", ["loss", "grad_norm", "eval_loss"])
def test_what_is_no_number_is_a_gap_and_never_zero(wrong: float, key: str) -> None:
    events = [Metrics(step=step, values={key: wrong if step == 2 else 1.0}) for step in (1, 2, 3)]
    drawn = lines(run_figure(events))
    assert (drawn[key, "values"]["x"], drawn[key, "values"]["y"]) == ([1, 2, 3], [1.0, None, 1.0])
    assert next(iter(extension(events).values()))["y"] == [1.0, None, 1.0]
    json.dumps(run_figure(events), allow_nan=False)


def test_a_run_without_numbers_has_an_empty_chart() -> None:
    assert all(trace["x"] == [] for trace in run_figure([Phase(phase="loading")])["data"])
    assert curve([]) == {"loss": {"x": [], "y": []}, "eval_loss": {"x": [], "y": []}}


def test_the_curve_beside_another_counts_what_counts_and_is_thin() -> None:
    events = [*run_of(2000), Resumed(step=1500)]
    beside = curve(events)
    assert beside["loss"]["x"][-1] == 1500
    assert len(beside["loss"]["x"]) <= MOST_BESIDE
    assert beside["eval_loss"]["y"][0] == 3.0


def test_news_of_many_steps_are_thinned() -> None:
    news = extension(run_of(5000))
    assert all(len(new["x"]) <= MOST_NEWS for new in news.values())
    assert len(json.dumps(news)) < 20_000


def test_means_of_stretches_keep_the_mean_that_extremes_would_bend() -> None:
    chance = random.Random(3)
    values = [chance.expovariate(1) for _ in range(20_000)]  # skewed: its extremes lie on one side
    points = Points(list(range(20_000)), list(values))
    means = thin_means(points).y
    mean = sum(values) / len(values)
    assert sum(y for y in means if y is not None) / len(means) == pytest.approx(mean, rel=0.01)
    extremes = [y for y in thin(points).y if y is not None]
    assert sum(extremes) / len(extremes) > 1.3 * mean
    assert jump([y for y in means if y is not None]) < jump(values) / 2


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


def started(steps: int) -> Started:
    return Started(steps=steps, epochs=1, rows=8, held_out_rows=8, trainable_parameters=1, parameters=2, time=100)


def test_time_left_has_bounds_that_close_in() -> None:
    chance = random.Random(2)
    now, widths, progress = 100.0, [], Progress().after([Phase(phase="training", time=100), started(200)])
    for step in range(1, 190):
        now += chance.uniform(1, 3)
        progress = progress.after([Metrics(step=step, time=now, values={"loss": 1.0})])
        if step > 4 and (left := progress.time_left(now)):
            assert left.low <= left.seconds <= left.high
            widths.append(left.high - left.low)
    assert widths[-1] < widths[20] / 3


@pytest.mark.parametrize("told", [0, 3])
def test_a_phase_tells_how_far_it_is_and_its_time_is_that_of_the_check(told: int) -> None:
    progress = Progress().after([Phase(phase="training", time=100), started(40)])
    for step in range(1, 9):
        progress = progress.after([Metrics(step=step, time=100 + 2 * step, values={"loss": 1.0})])
    for done in range(told):
        progress = progress.after([Phase(phase="scoring", time=118 + done, done=done + 1, of=8)])
        assert (progress.phase, progress.done, progress.of) == ("scoring", done + 1, 8)
    progress = progress.after([Metrics(step=8, time=126, values={"eval_loss": 1.0})])
    assert (progress.phase, progress.of) == ("training", 0)
    assert progress.check_seconds == pytest.approx(10)
    after = progress.after([Metrics(step=9, time=128, values={"loss": 1.0})])
    assert after.step_seconds[-1] == pytest.approx(2), "the check is not taken for a slow step"


def test_training_goes_on_after_a_save() -> None:
    progress = Progress().after([Phase(phase="training"), Phase(phase="saving", done=1, of=2)])
    assert progress.phase == "saving"
    assert progress.after([Saved(step=3, bytes=5, seconds=0.1)]).phase == "training"


def test_the_time_before_a_resume_and_in_the_queue_after_it_does_not_count() -> None:
    events: list[AnyEvent] = [
        Phase(phase="training", time=100),
        Metrics(step=1, time=110, values={"loss": 1.0}),
        Resumed(step=1, time=4000),
        Phase(phase="loading", time=9000),
        Metrics(step=2, time=9010, values={"loss": 1.0}),
    ]
    assert Progress().after(events).elapsed() == 20
    assert [seconds for _, seconds in Progress().timed(events)] == [0, 10, 10, 10, 20]
