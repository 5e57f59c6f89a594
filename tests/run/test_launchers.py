"""Where a run is done: a child that waits for its run, and ends with nobody to wait for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import psutil
import pytest

from studio.home import CHECKOUT
from studio.run.directory import Run, Status
from studio.run.launchers import ProcessLauncher
from studio.run.owner import read_owner
from tests.tiny_run import one_thread

# Stands in for `python -m studio.run.worker`, with the same manners and none of its slow imports.
QUICK_WORKER = """
import sys
from types import SimpleNamespace
from studio.run import worker
def train(run):
    from studio.run.owner import claim
    from studio.run.events import Ended, EventWriter
    claim(run.owner_path)
    print("said by the trainer", flush=True)
    with EventWriter(run.events_path) as events:
        events.write(Ended(kind="finished"))
sys.modules["studio.run.train"] = SimpleNamespace(train=train)
worker.work()
"""


def until(true: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.01)


def gone(child: psutil.Process) -> bool:
    return not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def children() -> set[psutil.Process]:
    return set(psutil.Process().children())


@pytest.fixture
def launcher(home):
    """The process launcher over quick workers."""
    launcher = ProcessLauncher(home, prefix=(sys.executable, "-c", QUICK_WORKER))
    yield launcher
    launcher.close()


def test_a_child_of_its_own_trains_the_tiny_base_and_says_so_in_the_runs_log(home, make_run):
    run, launcher = make_run({"training.max_steps": 2}), ProcessLauncher(home)
    with one_thread():
        launcher.start(run)
    until(lambda: not launcher.busy(), 120)
    assert run.status() is Status.FINISHED, run.ended()
    assert read_owner(run.owner_path).pid != os.getpid()
    assert run.adapter.is_dir()
    assert run.log_path.is_file()
    launcher.close()


def test_a_warm_child_waits_until_it_is_used(launcher, make_run):
    before = children()
    launcher.warm()
    launcher.warm()
    (spare,) = children() - before
    time.sleep(1)
    assert not gone(spare)
    assert not launcher.busy()
    run = make_run()
    launcher.start(run)
    until(lambda: not launcher.busy())
    assert run.status() is Status.FINISHED
    assert read_owner(run.owner_path).pid == spare.pid


def test_what_is_printed_is_in_the_runs_log(launcher, make_run):
    run = make_run()
    launcher.start(run)
    until(lambda: not launcher.busy())
    assert "said by the trainer" in run.log_path.read_text()


def test_a_spare_that_died_is_replaced(launcher, make_run):
    before = children()
    launcher.warm()
    (spare,) = children() - before
    spare.kill()
    until(lambda: gone(spare))
    run = make_run()
    launcher.start(run)
    until(lambda: not launcher.busy())
    assert run.status() is Status.FINISHED


def test_a_waiting_child_ends_when_it_is_let_go(launcher):
    before = children()
    launcher.warm()
    (spare,) = children() - before
    launcher.close()
    until(lambda: gone(spare))


def test_a_waiting_child_ends_when_its_parent_is_killed(home):
    code = (
        "import sys, time; from studio.home import open_home; from studio.run.launchers import ProcessLauncher\n"
        f"launcher = ProcessLauncher(open_home(sys.argv[1]), (sys.executable, '-c', {QUICK_WORKER!r}))\n"
        "launcher.warm(); print(launcher._spare.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(home.root)], stdout=subprocess.PIPE, text=True, cwd=CHECKOUT
    )
    spare = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    until(lambda: gone(spare))
    parent.stdout.close()


def test_a_kill_of_the_trainer_leaves_a_lost_run_and_this_process_standing(home, make_run):
    slow = QUICK_WORKER.replace('print("said', 'import time; time.sleep(60); print("said')
    launcher = ProcessLauncher(home, prefix=(sys.executable, "-c", slow))
    run = make_run()
    launcher.start(run)
    until(lambda: run.status() is Status.RUNNING)
    launcher.stop(run)
    assert run.status() is Status.STOPPING
    os.kill(read_owner(run.owner_path).pid, signal.SIGKILL)
    until(lambda: not launcher.busy())
    assert run.status() is Status.LOST
    assert isinstance(run, Run)


def test_a_run_goes_on_when_the_launcher_lets_go(home, make_run):
    slow = QUICK_WORKER.replace('print("said', 'import time; time.sleep(1); print("said')
    launcher = ProcessLauncher(home, prefix=(sys.executable, "-c", slow))
    run = make_run()
    launcher.start(run)
    until(lambda: run.status() is Status.RUNNING)
    launcher.close()
    until(lambda: run.status() is Status.FINISHED)
