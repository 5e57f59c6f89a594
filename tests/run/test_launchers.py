"""Where a run is done: a child that waits for its run, and ends with nobody to wait for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from studio.home import CHECKOUT
from studio.run.directory import Run, Status
from studio.run.launchers import ProcessLauncher
from studio.run.owner import read_owner
from tests.fake_trainer import trainer, until
from tests.tiny_run import one_thread

TALKS = """
print("said by the trainer", flush=True)
end()
"""
QUICK_WORKER = trainer(TALKS)


def gone(child: psutil.Process) -> bool:
    return not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def children() -> set[psutil.Process]:
    return set(psutil.Process().children())


@pytest.fixture
def launcher(home):
    """The process launcher over quick workers."""
    launcher = ProcessLauncher(home, prefix=QUICK_WORKER)
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
        f"launcher = ProcessLauncher(open_home(sys.argv[1]), {QUICK_WORKER!r})\n"
        "launcher.warm(); print(launcher._spare.process.pid, flush=True); time.sleep(60)"
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
    launcher = ProcessLauncher(home, prefix=trainer("time.sleep(60)"))
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
    launcher = ProcessLauncher(home, prefix=trainer("time.sleep(1)\nend()"))
    run = make_run()
    launcher.start(run)
    until(lambda: run.status() is Status.RUNNING)
    launcher.close()
    until(lambda: run.status() is Status.FINISHED)


def test_several_at_once_each_with_its_devices(home, make_run):
    """What each sees of the GPUs is in its environment before it begins, as CUDA may be touched by an import."""
    body = """
        seen = os.environ["CUDA_VISIBLE_DEVICES"] + " at first " + at_first
        (run.path / "seen").write_text(seen)
        time.sleep(60)
    """
    launcher = ProcessLauncher(home, trainer(body, first="at_first = os.environ['CUDA_VISIBLE_DEVICES']"))
    given = {make_run({"training.seed": seed}): (f"GPU-{seed}",) for seed in range(2)}
    launcher.warm(("GPU-0",))
    for run, devices in given.items():
        launcher.start(run, devices)
    until(lambda: all((run.path / "seen").exists() for run in given))
    assert launcher.busy() == given
    for run, (device,) in given.items():
        assert (run.path / "seen").read_text() == f"{device} at first {device}"
        assert read_owner(run.owner_path).devices == (device,)
    first, second = given
    assert launcher.ended() == []
    os.kill(read_owner(first.owner_path).pid, signal.SIGKILL)
    until(lambda: launcher.busy() == {second: ("GPU-1",)})
    (dead,) = launcher.ended()
    assert (dead.run, dead.status, dead.claimed()) == (first, -signal.SIGKILL, True)
    assert launcher.ended() == []
    os.kill(read_owner(second.owner_path).pid, signal.SIGKILL)
    until(lambda: not launcher.busy())


def test_a_spare_with_other_devices_is_no_spare(home, make_run):
    before, launcher = children(), ProcessLauncher(home, QUICK_WORKER)
    launcher.warm(("GPU-0",))
    (spare,) = children() - before
    launcher.warm(("GPU-1",))
    until(lambda: gone(spare))
    assert len({child for child in children() - before if not gone(child)}) == 1
    launcher.close()


def test_one_that_ended_before_it_claimed_its_run(home, make_run):
    launcher, run = ProcessLauncher(home, (sys.executable, "-c", "import sys; sys.exit(3)")), make_run()
    launcher.start(run)
    until(lambda: not launcher.busy())
    (dead,) = launcher.ended()
    assert (dead.run, dead.status, dead.claimed()) == (run, 3, False)
