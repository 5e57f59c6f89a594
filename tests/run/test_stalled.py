"""When a run counts as stalled: by the pace of its own steps, and by a generous bound where it has none yet."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.run import owner
from studio.run.directory import Run, Status
from studio.run.events import Ended, Event, EventWriter, Metrics, Phase, Resumed
from studio.run.stalled import LEAST, patience, stalled

BEGAN = 1_000_000.0


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """One whose process took it up long ago, and lives."""
    run = Run(tmp_path / "2026-11-20-amber-fox")
    run.path.mkdir()
    (run.path / "recipe.yaml").write_text("{}")
    owner.claim(run.owner_path)
    os.utime(run.owner_path, (BEGAN, BEGAN))
    return run


def write(run: Run, *events: Event) -> None:
    with EventWriter(run.events_path) as writer:
        for event in events:
            writer.write(event)


def steps(count: int, pace: float) -> list[Event]:
    begin = Phase(phase="training", time=BEGAN)
    return [begin, *(Metrics(step=n, time=BEGAN + n * pace, values={"loss": 1.0}) for n in range(1, count + 1))]


@pytest.mark.parametrize(("pace", "bound"), [(0.1, LEAST), (2.0, LEAST), (30.0, 300.0)])
def test_a_run_stalls_when_nothing_comes_for_much_longer_than_its_steps_take(
    run: Run, pace: float, bound: float
) -> None:
    write(run, *steps(20, pace))
    last = BEGAN + 20 * pace
    assert stalled(run, last + 0.9 * bound) == 0
    assert stalled(run, last + 1.1 * bound) == pytest.approx(1.1 * bound)
    assert run.status() is Status.RUNNING, "it is shown, and nothing more"
    write(run, Metrics(step=21, time=last + 1.2 * bound, values={"loss": 1.0}))
    assert stalled(run, last + 1.3 * bound) == 0


def test_one_long_step_among_short_ones_gives_the_next_ones_time(run: Run) -> None:
    write(run, *steps(20, 1.0), Metrics(step=21, time=BEGAN + 120, values={"loss": 1.0}))
    assert stalled(run, BEGAN + 120 + 250) == 0
    assert stalled(run, BEGAN + 120 + 310) > 0


@pytest.mark.parametrize("phase", ["", "loading", "preparing", "training", "scoring", "saving"])
def test_a_phase_without_a_pace_has_a_generous_bound(phase: str) -> None:
    assert 300 <= patience(phase, []) <= 1800
    assert patience("saving", [0.1] * 20) == patience("saving", [])


def test_before_its_first_event_it_is_measured_from_when_it_was_taken_up(run: Run) -> None:
    assert stalled(run, BEGAN + 290) == 0
    assert stalled(run, BEGAN + 310) == pytest.approx(310)


def test_the_time_in_the_queue_after_a_resume_is_no_stall(run: Run) -> None:
    write(run, *steps(20, 1.0), Ended(kind="stopped", time=BEGAN + 21), Resumed(step=20, time=BEGAN + 30))
    os.utime(run.owner_path, (BEGAN + 10_000, BEGAN + 10_000))
    assert stalled(run, BEGAN + 10_040) == 0


def over(run: Run) -> None:
    write(run, Ended(kind="finished", time=BEGAN + 21))


def waiting(run: Run) -> None:
    run.owner_path.unlink()


@pytest.mark.parametrize("change", [over, waiting])
def test_what_is_not_in_progress_cannot_stall(run: Run, change: Callable[[Run], None]) -> None:
    write(run, *steps(20, 1.0))
    change(run)
    assert stalled(run, BEGAN + 1e6) == 0
