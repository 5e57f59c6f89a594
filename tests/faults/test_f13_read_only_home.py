"""F13: a home that is read-only, from the start or from some moment on. Each action says so, and nothing falls over."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from studio.errors import StudioError
from studio.home import CHECKOUT, open_home
from studio.run.branch import branch
from studio.run.directory import Status
from studio.run.manifest import seal
from studio.run.order import FIRST, move
from studio.run.resume import resume
from studio.run.submit import submit
from studio.run.wish import Wish
from tests.fake_trainer import trainer, until, working
from tests.faults.read_only import read_only


@pytest.mark.parametrize("command", [["app.py"], ["-m", "studio", "runs"]], ids=["page", "command line"])
def test_at_the_start_it_is_said_in_words(command):
    done = subprocess.run(
        [sys.executable, *command],
        env=os.environ | {"STUDIO_HOME": "/proc/atelier"},  # where not even root can write
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    assert "/proc/atelier, but it cannot be made" in done.stderr
    assert "Set STUDIO_HOME" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("part", ["", "runs", "uploads"])
def test_a_home_that_is_there_and_read_only_is_said_too(home, part, monkeypatch):
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != home.root / part and real(path, mode))
    with pytest.raises(StudioError, match="but it is read-only"):
        open_home(home.root)


def test_from_some_moment_on_each_action_says_so_and_the_queue_stands(home, make_run, make_recipe):
    runs = [make_run({"training.seed": seed}) for seed in range(2)]
    stopped = make_run({"training.seed": 2})
    checkpoint = stopped.path / "checkpoints" / "checkpoint-1"
    checkpoint.mkdir(parents=True)
    (checkpoint / "trainer_state.json").write_text("{}")
    seal(checkpoint, stopped)
    stopped.ask(Wish.STOP)
    with read_only(home.root):
        for action in (
            lambda: submit(home, make_recipe({"training.seed": 3})),
            lambda: move(home, runs[1], FIRST),
            lambda: runs[0].ask(Wish.CANCEL),
            lambda: resume(stopped),
            lambda: branch(home, stopped, 1, {}),
        ):
            with pytest.raises(StudioError, match=r"Read-only file system|read-only"):
                action()
        with pytest.raises(OSError, match="Read-only"):
            (home.root / "x").touch()  # the fault is there
    with read_only(home.root), working(home, trainer("end()")) as queue:
        time.sleep(0.3)
        assert not queue.in_charge(), "its lock cannot be taken, and that ends nothing"
    assert [run.status() for run in runs] == [Status.WAITING] * 2, "none was asked anything"
    assert stopped.status() is Status.STOPPED


def test_a_queue_under_which_the_home_becomes_read_only_goes_on_when_it_is_writable_again(
    home, make_run, monkeypatch, tmp_path
):
    monkeypatch.setattr("studio.run.queue.AGAIN", 1.0)
    monkeypatch.setattr("studio.run.queue.TICK", 0.05)
    run, elsewhere = make_run(), tmp_path / "elsewhere"
    run.path.rename(elsewhere)
    with working(home, trainer("end()")) as queue:
        until(queue.in_charge)
        with read_only(home.root):
            subprocess.run(["mv", elsewhere, run.path], check=True)  # by another process, to have one that waits
            until(lambda: run in queue._put_off)  # it was tried, and is not tried again for a while
            assert run.status() is Status.WAITING, "it was not even possible to say that it failed"
        until(run.ended)
    assert run.status() is Status.FINISHED
