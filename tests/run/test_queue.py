"""The queue: oldest first, one at a time, and nothing that it would have to remember."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import psutil
import pytest

from studio.run import queue as queue_module
from studio.run.directory import Run, Status
from studio.run.events import Ended, EventWriter
from studio.run.owner import claim
from studio.run.queue import Queue
from studio.run.wish import Wish


class FakeLauncher:
    """Claims a run when it is told to start it, and ends it when the test says so."""

    def __init__(self, claims: bool = True) -> None:
        self.claims = claims
        self.started: list[str] = []
        self.warmed = 0
        self.closed = False
        self.failing = 0
        self._run: Run | None = None

    def warm(self) -> None:
        self.warmed += 1

    def start(self, run: Run) -> None:
        self.started.append(run.name)
        if self.failing:
            self.failing -= 1
            raise OSError(12, "Cannot allocate memory")
        if self.claims:
            claim(run.owner_path)
            self._run = run

    def stop(self, run: Run) -> None:
        run.ask(Wish.STOP)

    def busy(self) -> bool:
        return self._run is not None

    def close(self) -> None:
        self.closed = True

    def end(self) -> None:
        run, self._run = self._run, None
        with EventWriter(run.events_path) as events:
            events.write(Ended(kind="finished"))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(queue_module, "TICK", 0.01)


@pytest.fixture
def runs(make_run):
    return [make_run({"training.seed": seed}) for seed in range(3)]


@pytest.fixture
def opened(home):
    """Makes queues that are closed after the test."""
    queues = []

    def make(launcher: FakeLauncher, **options: object) -> Queue:
        queues.append(Queue(home, launcher, **options))
        queues[-1].start()
        return queues[-1]

    yield make
    for queue in queues:
        queue.close()


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.005)


def test_the_oldest_first_and_one_at_a_time(runs, opened):
    launcher = FakeLauncher()
    opened(launcher)
    for count, run in enumerate(runs, 1):
        until(launcher.busy)
        time.sleep(0.1)
        assert launcher.started == [each.name for each in runs[:count]]
        assert run.status() is Status.RUNNING
        launcher.end()
    until(lambda: all(run.status() is Status.FINISHED for run in runs))
    time.sleep(0.1)
    assert len(launcher.started) == 3


def test_a_run_that_comes_later_is_taken_too(opened, make_run):
    launcher = FakeLauncher()
    queue = opened(launcher)
    until(lambda: launcher.warmed)
    run = make_run()
    queue.poke()
    until(lambda: launcher.started == [run.name])


def test_a_poke_ends_a_wait(opened, make_run, monkeypatch):
    monkeypatch.setattr(queue_module, "TICK", 60)
    launcher = FakeLauncher()
    queue = opened(launcher)
    until(lambda: launcher.warmed)
    make_run()
    queue.poke()
    until(lambda: launcher.started)


def test_a_stopped_waiting_run_is_never_begun(runs, opened):
    runs[0].ask(Wish.STOP)
    launcher = FakeLauncher()
    opened(launcher)
    until(launcher.busy)
    assert launcher.started == [runs[1].name]


def test_a_second_queue_of_the_home_only_watches_until_the_first_is_gone(runs, opened):
    first, second = FakeLauncher(), FakeLauncher()
    owner = opened(first)
    until(first.busy)
    opened(second)
    time.sleep(0.2)
    assert (second.started, second.warmed) == ([], 0)
    first.end()
    until(lambda: len(first.started) == 2)
    owner.close()
    assert second.started == []
    first.end()
    until(lambda: second.started == [runs[2].name])


def test_a_trainer_that_dies_before_it_begins_is_a_failure_and_not_tried_for_ever(runs, opened):
    launcher = FakeLauncher(claims=False)
    opened(launcher)
    until(lambda: all(run.status() is Status.FAILED for run in runs))
    time.sleep(0.1)
    assert launcher.started == [run.name for run in runs]
    assert "trainer.log" in runs[0].ended().message
    assert "train again" in runs[0].ended().message


def test_a_launcher_that_cannot_start_fails_that_run_and_not_the_queue(runs, opened):
    launcher = FakeLauncher()
    launcher.failing = 1
    opened(launcher)
    until(launcher.busy)
    assert runs[0].status() is Status.FAILED
    assert launcher.started == [runs[0].name, runs[1].name]


def test_a_run_folder_that_cannot_be_read_does_not_end_the_queue(runs, opened, monkeypatch):
    real, calls = queue_module.list_runs, []

    def list_runs(home):
        calls.append(1)
        if len(calls) == 1:
            raise FileNotFoundError("removed between two looks")
        return real(home)

    monkeypatch.setattr(queue_module, "list_runs", list_runs)
    launcher = FakeLauncher()
    opened(launcher)
    until(launcher.busy)


def test_a_run_begun_by_an_app_that_is_gone_is_waited_for(runs, opened):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1)
    owner = claim(runs[0].owner_path)
    adopted = owner.model_copy(update={"pid": child.pid, "started": psutil.Process(child.pid).create_time()})
    runs[0].owner_path.write_text(adopted.model_dump_json(), "utf-8")
    launcher = FakeLauncher()
    opened(launcher)
    time.sleep(0.2)
    assert runs[0].status() is Status.RUNNING
    assert launcher.started == []
    child.stdin.close()
    child.wait()
    until(lambda: launcher.started == [runs[1].name])
    assert runs[0].status() is Status.LOST


def test_room_is_made_before_a_run_begins(runs, opened):
    launcher, seen = FakeLauncher(), []
    opened(launcher, before_run=lambda: seen.append(list(launcher.started)))
    until(launcher.busy)
    assert seen == [[]]


def test_a_spare_is_kept_only_where_it_is_wanted_and_nothing_waits(opened, runs):
    launcher = FakeLauncher()
    opened(launcher, spare=False)
    for _ in runs:
        until(launcher.busy)
        launcher.end()
    time.sleep(0.1)
    assert launcher.warmed == 0


def test_closing_lets_a_run_go_on_and_frees_the_home(runs, opened, home):
    launcher = FakeLauncher()
    queue = opened(launcher)
    until(launcher.busy)
    queue.close()
    assert launcher.closed
    assert runs[0].status() is Status.RUNNING
    second = FakeLauncher()
    opened(second)
    time.sleep(0.1)
    assert second.started == [], "the run of before is still being done"
    launcher.end()
    with EventWriter(runs[0].events_path):
        until(lambda: second.started == [runs[1].name])


def test_a_queue_that_was_never_started_can_be_closed(home):
    Queue(home, FakeLauncher()).close()
