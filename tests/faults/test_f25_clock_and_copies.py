"""F25: the clock jumps, a run's folder is moved or copied, two apps share a home."""

from __future__ import annotations

import math
import os
import shutil

import psutil
import pytest

from studio.run.directory import Run, Status, list_runs
from studio.run.events import Metrics
from studio.run.order import waiting
from studio.run.owner import read_owner
from studio.run.resume import resume
from studio.run.wish import Wish
from tests.fake_trainer import an_app, trainer, until, working

GOES_ON = trainer("""
from studio.run.manifest import seal
step(1)
while not run.asked_to_stop():
    time.sleep(0.02)
checkpoint = run.path / "checkpoints" / "checkpoint-1"
checkpoint.mkdir(parents=True, exist_ok=True)
seal(checkpoint, run)
end("stopped")
""")


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_clock_that_jumps_changes_neither_status_nor_order(home, make_run, monkeypatch, hours):
    """What was written before the jump looks as if of another time, the start of every process included."""
    running = make_run()
    with working(home, GOES_ON):
        until(lambda: running.status() is Status.RUNNING and running.events()[0])
        first, second = make_run({"training.seed": 1}), make_run({"training.seed": 2})
        real = psutil.Process.create_time
        monkeypatch.setattr(psutil.Process, "create_time", lambda process: real(process) + 3600 * hours)
        for run in (running, first, second):
            moment = (run.path / "recipe.yaml").stat().st_mtime_ns - 3600 * hours * 10**9
            os.utime(run.path / "recipe.yaml", ns=(moment, moment))
        third = make_run({"training.seed": 3})
        assert running.status() is Status.RUNNING
        assert list_runs(home) == [running, first, second, third]
        assert waiting(home) == [first, second, third]
        for run in (first, second, third):
            run.ask(Wish.CANCEL)
        running.ask(Wish.STOP)
        until(lambda: running.status() is Status.STOPPED)


def test_times_that_go_back_among_the_events_do_no_harm(home, make_run):
    from studio.progress import Progress
    from studio.run.stalled import patience, step_seconds

    events = [Metrics(step=step, time=1e9 - 3600.0 * (step > 5) + step, values={"loss": 1.0}) for step in range(1, 10)]
    seconds = step_seconds(events)
    assert 0 <= patience("training", seconds) < math.inf
    progress = Progress().after(events)
    assert all(each >= 0 for each in progress.step_seconds)
    assert progress.step == 9


def test_a_copied_run_is_done_by_nobody_and_a_moved_one_goes_on(home, make_run):
    run = make_run()
    copy, moved = Run(home.runs / "the-copy"), Run(home.runs / "moved")
    with working(home, GOES_ON):
        until(lambda: run.status() is Status.RUNNING and run.events()[0])
        owner = read_owner(run.owner_path)
        shutil.copytree(run.path, copy.path)
        assert copy.status() is Status.LOST, "else it would show as running for ever"
        copy.ask(Wish.CANCEL)
        until(lambda: copy.status() is Status.CANCELLED)
        assert (run.status(), owner.alive()) == (Status.RUNNING, True), "that was the copy's end and not the run's"
        run.ask(Wish.STOP)
        until(lambda: run.status() is Status.STOPPED)
        run.path.rename(moved.path)
        assert moved.status() is Status.STOPPED
        resume(moved)
        until(lambda: moved.status() is Status.RUNNING)
        assert read_owner(moved.owner_path).folder == str(moved.path)
        moved.ask(Wish.STOP)
        until(lambda: moved.status() is Status.STOPPED)


def test_the_second_of_two_apps_watches_until_the_first_dies(home, make_run):
    run, after = make_run(), make_run({"training.seed": 1})
    with an_app(home, GOES_ON) as app:
        until(lambda: run.status() is Status.RUNNING and run.events()[0])
        with working(home, GOES_ON) as second:
            assert not second.in_charge()
            run.ask(Wish.STOP)
            until(lambda: after.status() is Status.RUNNING)
            assert not second.in_charge(), "the first one began it"
            app.kill()
            app.wait()
            until(second.in_charge)
            assert after.status() is Status.RUNNING
            after.ask(Wish.STOP)
            until(lambda: after.status() is Status.STOPPED)
