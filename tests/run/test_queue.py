"""The queue: in order, one run at a time on each device, and nothing that it would have to remember."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from studio.run import queue as queue_module
from studio.run.devices import CPU, Devices
from studio.run.directory import Run, Status
from studio.run.events import Ended, EventWriter, Resumed
from studio.run.launchers import Gone
from studio.run.order import FIRST, move
from studio.run.owner import claim, ticks_of
from studio.run.queue import Queue
from studio.run.wish import Wish


class FakeLauncher:
    """Claims a run when it is told to start it, and ends it when the test says so."""

    def __init__(self, claims: bool = True) -> None:
        self.claims = claims
        self.started: list[str] = []
        self.warmed: list[Devices] = []
        self.closed = False
        self.failing = 0
        self._runs: dict[Run, Devices] = {}
        self._ended: list[Gone] = []

    def warm(self, devices: Devices = ()) -> None:
        self.warmed.append(devices)

    def start(self, run: Run, devices: Devices = ()) -> None:
        self.started.append(run.name)
        if self.failing:
            self.failing -= 1
            raise OSError(12, "Cannot allocate memory")
        if not self.claims:
            self._ended.append(Gone(run, 1))
            return
        owner = claim(run.owner_path)
        run.owner_path.write_text(owner.model_copy(update={"devices": devices}).model_dump_json(), "utf-8")
        self._runs[run] = devices

    def stop(self, run: Run) -> None:
        run.ask(Wish.STOP)

    def busy(self) -> dict[Run, Devices]:
        return dict(self._runs)

    def end(self, run: Run) -> None:
        del self._runs[run]
        self._ended.append(Gone(run, -15))

    def ended(self) -> list[Gone]:
        ended, self._ended = self._ended, []
        return ended

    def close(self) -> None:
        self.closed = True

    def finish(self, run: Run | None = None) -> None:
        """End this run, or the one that was begun first."""
        run = run or next(iter(self._runs))
        with EventWriter(run.events_path) as events:
            events.write(Ended(kind="finished"))
        del self._runs[run]


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

    def make(launcher: FakeLauncher, there_is: Devices = (CPU,), **options: object) -> Queue:
        queues.append(Queue(home, launcher, look_for=lambda: there_is, **options))
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
        launcher.finish()
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
    assert (second.started, second.warmed) == ([], [])
    first.finish()
    until(lambda: len(first.started) == 2)
    owner.close()
    assert second.started == []
    first.finish()
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
    adopted = owner.model_copy(update={"pid": child.pid, "ticks": ticks_of(child.pid)})
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
        launcher.finish()
    time.sleep(0.1)
    assert launcher.warmed == []


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
    launcher.finish()
    with EventWriter(runs[0].events_path):
        until(lambda: second.started == [runs[1].name])


def test_a_queue_that_was_never_started_can_be_closed(home):
    Queue(home, FakeLauncher()).close()


def test_a_run_that_was_moved_has_its_turn_first(runs, opened, home):
    move(home, runs[2], FIRST)
    launcher = FakeLauncher()
    opened(launcher)
    for run in (runs[2], runs[0], runs[1]):
        until(launcher.busy)
        assert launcher.started[-1] == run.name
        launcher.finish()
        until(lambda run=run: launcher.started[-1] != run.name or len(launcher.started) == 3)


def test_several_gpus_take_several_runs_and_each_holds_its_own(runs, opened):
    launcher = FakeLauncher()
    opened(launcher, there_is=("GPU-a", "GPU-b"))
    until(lambda: launcher.busy() == {runs[0]: ("GPU-a",), runs[1]: ("GPU-b",)})
    time.sleep(0.1)
    assert len(launcher.started) == 2
    launcher.finish(runs[1])
    until(lambda: launcher.busy() == {runs[0]: ("GPU-a",), runs[2]: ("GPU-b",)})
    assert launcher.warmed == [], "nothing is free"
    launcher.finish(runs[0])
    until(lambda: launcher.warmed)
    assert set(launcher.warmed) == {("GPU-a",)}


def test_a_run_of_several_processes_waits_for_its_gpus_and_is_not_overtaken(opened, make_run):
    small = make_run()
    large = make_run({"training.seed": 1, "launch.processes": 2})
    after = make_run({"training.seed": 2})
    launcher = FakeLauncher()
    opened(launcher, there_is=("GPU-a", "GPU-b"))
    until(launcher.busy)
    time.sleep(0.1)
    assert launcher.started == [small.name], "one GPU is free, and the large run needs two"
    launcher.finish()
    until(lambda: launcher.busy() == {large: ("GPU-a", "GPU-b")})
    launcher.finish()
    until(lambda: launcher.started[-1] == after.name)


def test_who_holds_a_gpu_is_read_from_the_runs_by_the_next_app(runs, opened, home):
    first = FakeLauncher()
    queue = opened(first, there_is=("GPU-a", "GPU-b"))
    until(lambda: len(first.busy()) == 2)
    queue.close()
    first.finish(runs[0])
    second = FakeLauncher()
    opened(second, there_is=("GPU-a", "GPU-b"))
    until(lambda: second.busy() == {runs[2]: ("GPU-a",)})
    assert runs[1].status() is Status.RUNNING, "which holds the other one, begun by an app that is gone"


def test_a_run_that_does_not_say_what_it_holds_holds_all(runs, opened):
    claim(runs[0].owner_path)  # as a trainer of another version of the studio
    launcher = FakeLauncher()
    opened(launcher, there_is=("GPU-a", "GPU-b"))
    time.sleep(0.2)
    assert launcher.started == []
    with EventWriter(runs[0].events_path) as events:
        events.write(Ended(kind="finished"))
    until(lambda: len(launcher.started) == 2)


def test_a_run_resumed_before_its_process_was_gone_begins_when_that_is(runs, opened, home):
    """Its first process is still giving its memory back."""
    launcher = FakeLauncher()
    opened(launcher)
    until(launcher.busy)
    run = runs[0]
    with EventWriter(run.events_path) as events:
        events.write(Ended(kind="stopped"))
    (run.path / "checkpoints" / "checkpoint-1").mkdir(parents=True)
    with EventWriter(run.events_path) as events:
        events.write(Resumed(step=1))
    run.owner_path.rename(run.path / "process.1.json")
    time.sleep(0.1)
    assert launcher.started == [run.name]
    del launcher._runs[run]
    launcher._ended.append(Gone(run))
    until(launcher.busy)
    assert run.status() is Status.RUNNING, "that the old process is gone tells nothing of the new one"
    assert launcher.started == [run.name] * 2


def test_what_goes_wrong_at_each_look_is_printed_once(opened, home, monkeypatch, capsys):
    def broken(_):
        calls.append(1)
        raise PermissionError(30, "Read-only file system")

    calls: list[int] = []
    monkeypatch.setattr(queue_module, "list_runs", broken)
    queue = opened(FakeLauncher())
    until(lambda: len(calls) > 5)
    queue.close()
    assert capsys.readouterr().err.count("Traceback") == 1


def test_a_run_of_which_not_even_the_failure_can_be_written_is_not_tried_at_each_look(runs, opened, monkeypatch):
    def read_only(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(queue_module, "give_up", read_only)
    launcher = FakeLauncher(claims=False)
    opened(launcher)
    until(lambda: len(launcher.started) == 3)
    time.sleep(0.2)
    assert launcher.started == [run.name for run in runs]


@pytest.mark.parametrize("asked", [False, True])
def test_a_trainer_that_hangs_before_it_begins_is_ended(runs, opened, monkeypatch, asked):
    monkeypatch.setattr(queue_module, "UNWANTED" if asked else "UNCLAIMED", 0.1)

    class Hangs(FakeLauncher):
        def start(self, run: Run, devices: Devices = ()) -> None:
            if run == runs[0]:
                self.started.append(run.name)
                self._runs[run] = devices
            else:
                super().start(run, devices)

    launcher = Hangs()
    opened(launcher)
    until(launcher.busy)
    if asked:
        runs[0].ask(Wish.STOP)
    until(lambda: runs[1].status() is Status.RUNNING)
    assert runs[0].status() is (Status.STOPPED if asked else Status.FAILED)
