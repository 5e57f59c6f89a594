"""How far a phase is, said about once a second; and its end where the run is asked to end."""

from __future__ import annotations

import pytest

from studio.run.directory import Run
from studio.run.events import EventWriter
from studio.run.phases import Telling, heed_cancel
from studio.run.wish import Interrupted, Wish


@pytest.fixture
def run(tmp_path) -> Run:
    return Run(tmp_path)


def told(run: Run, monkeypatch, times: list[float]) -> list[tuple[int, int]]:
    clock = iter([0.0, *times])
    monkeypatch.setattr("studio.run.phases.time.monotonic", lambda: next(clock))
    with EventWriter(run.events_path) as events:
        tell = Telling(events, "preparing")
        for done, _ in enumerate(times):
            tell("", done, len(times))
    return [(event.done, event.of) for event in run.events()[0]]


def test_a_quick_phase_says_nothing(run, monkeypatch):
    assert told(run, monkeypatch, [0.1, 0.5, 0.9]) == []


def test_a_slow_one_says_how_far_it_is_about_once_a_second(run, monkeypatch):
    assert told(run, monkeypatch, [0.5, 1.0, 1.5, 1.9, 2.1, 2.2, 9.0]) == [(1, 7), (4, 7), (6, 7)]


@pytest.mark.parametrize("wish", Wish)
def test_it_ends_where_the_run_is_asked_to_end(wish, run):
    with EventWriter(run.events_path) as events:
        tell = Telling(events, "preparing", run=run)
        tell("", 0, 1)
        run.ask(wish)
        with pytest.raises(Interrupted) as ended:
            tell("", 1, 1)
    assert ended.value.wish is wish


def test_only_a_cancel_ends_what_is_being_kept(run):
    run.ask(Wish.STOP)
    heed_cancel(run)
    run.ask(Wish.CANCEL)
    with pytest.raises(Interrupted):
        heed_cancel(run)
