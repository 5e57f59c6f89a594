"""Two processes on the processor do a run: the same losses as one, stopped and resumed, and none outlives another."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable

import numpy as np
import psutil
import pytest

from studio.run.directory import Run, Status
from studio.run.manifest import seal
from studio.run.resume import resume
from studio.run.row_losses.read import read_row_losses
from studio.run.train import train
from studio.run.wish import Wish
from tests.run.accelerated.conftest import LIMIT, log, ranks
from tests.tiny_run import one_thread

SHORT = {"training.max_steps": 6, "training.evaluations": 2, "training.save_steps": 3}
TWO = {**SHORT, "launch.processes": 2}
LONG = {**TWO, "training.max_steps": 5000, "training.evaluations": 0, "training.save_steps": 1}
Begin = Callable[[Run], subprocess.Popen]


def losses(run: Run, name: str = "loss") -> list[float]:
    metrics = [event for event in run.events()[0] if event.kind == "metrics"]
    return [event.values[name] for event in metrics if name in event.values]


def kinds(run: Run) -> list[str]:
    """In their order; what was decided depends on what was done before in the same home."""
    return [event.kind for event in run.events()[0] if event.kind != "decision"]


def until(true: Callable[[], object], run: Run) -> None:
    deadline = time.monotonic() + LIMIT
    while not true():
        assert time.monotonic() < deadline, log(run)
        assert not run.ended(), f"{run.ended()}\n{log(run)}"
        time.sleep(0.05)


def steps(run: Run) -> int:
    return len(losses(run))


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_two_processes_learn_what_one_does_and_write_what_one_writes(make_run, do):
    """The batch of 6 is 3 rows for each; the 18 rows make whole batches."""
    with one_thread():
        alone = make_run({**SHORT, "training.seed": 7})
        train(alone)
    together = do(make_run({**TWO, "training.seed": 7}))
    assert together.status() is Status.FINISHED, (together.ended(), log(together))
    assert losses(together) == pytest.approx(losses(alone), rel=1e-4)
    assert losses(together, "grad_norm") == pytest.approx(losses(alone, "grad_norm"), rel=1e-3)
    assert losses(together, "eval_loss") == pytest.approx(losses(alone, "eval_loss"), rel=1e-4)
    assert losses(together, "num_tokens") == losses(alone, "num_tokens")
    assert kinds(together) == kinds(alone)
    assert sorted(path.name for path in together.adapter.iterdir()) == sorted(
        path.name for path in alone.adapter.iterdir()
    )
    one, both = (read_row_losses(each) for each in (alone, together))
    assert one is not None
    assert both is not None
    assert {path.name for path in together.path.glob("row_losses-*")} == {
        "row_losses-0.records",
        "row_losses-1.records",
    }
    by_row = [np.sort(each.every, order=["step", "place"]) for each in (one, both)]
    assert by_row[1]["place"].tolist() == by_row[0]["place"].tolist()
    assert by_row[1]["loss"] == pytest.approx(by_row[0]["loss"], rel=1e-3)
    rng = {path.name for path in together.checkpoints()[-1].glob("rng_state*")}
    assert rng == {"rng_state_0.pth", "rng_state_1.pth"}


@pytest.mark.slow
def test_stopped_and_resumed_it_is_the_straight_run(make_run, do, begin):
    lora = {**TWO, "training.max_steps": 8, "training.save_steps": 0, "method.dropout": 0.1}
    straight = do(make_run(lora))
    broken = make_run({**lora, "training.save_steps": 4, "training.saves_kept": 9})
    child = begin(broken)
    until(lambda: steps(broken) >= 2, broken)
    broken.ask(Wish.PAUSE)
    child.wait(LIMIT)
    assert broken.status() is Status.PAUSED, (broken.ended(), log(broken))
    assert 0 < resume(broken) < 8
    do(broken)
    assert broken.status() is Status.FINISHED, (broken.ended(), log(broken))
    assert losses(broken) == losses(straight)
    for name in ("adapter_model.safetensors",):
        assert (broken.adapter / name).read_bytes() == (straight.adapter / name).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1])
def test_when_one_is_killed_all_end_and_the_run_says_so(number, make_run, begin):
    run = make_run(LONG)
    child = begin(run)
    until(lambda: steps(run) >= 2, run)
    both = ranks(run)
    assert set(both) == {0, 1}
    both[number].kill()
    child.wait(60)
    ended = run.ended()
    assert run.status() is Status.FAILED
    assert f"Process {number} was ended by the system (SIGKILL)" in ended.message
    assert (ended.cause, ended.step) == ("memory", steps(run))
    assert "Resume goes on from its newest checkpoint." in ended.message
    assert all(gone(each) for each in both.values())
    resume(run)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_when_the_launcher_is_ended_none_is_left(how, make_run, begin):
    run = make_run(LONG)
    child = begin(run)
    until(lambda: steps(run) >= 1, run)
    both = ranks(run)
    os.kill(child.pid, how)
    assert child.wait(60) == -how
    deadline = time.monotonic() + 30
    while not all(gone(each) for each in both.values()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert run.status() is Status.LOST


@pytest.mark.slow
def test_stop_keeps_a_result(make_run, begin):
    run = make_run(LONG)
    child = begin(run)
    until(lambda: steps(run) >= 1, run)
    run.ask(Wish.STOP)
    child.wait(LIMIT)
    assert run.status() is Status.STOPPED, (run.ended(), log(run))
    assert run.adapter.is_dir()


@pytest.mark.slow
def test_an_error_is_said_once_in_its_own_words(make_run, do):
    run = make_run(TWO)
    (run.path / "data" / "train.jsonl").write_text("")
    do(run)
    assert run.status() is Status.FAILED
    assert "row" in run.ended().message
    assert "Connection" not in run.ended().message
    assert kinds(run).count("failed") == 1


def test_a_checkpoint_without_the_numbers_of_one_process_is_not_whole(make_run):
    """They are sealed with the rest, so that no process resumes with other random numbers."""
    run = make_run()
    folder = run.path / "checkpoints" / "checkpoint-3"
    folder.mkdir(parents=True)
    for number in (0, 1):
        (folder / f"rng_state_{number}.pth").write_bytes(b"numbers")
    seal(folder, run)
    from studio.run.manifest import flaw

    assert flaw(folder, run) == ""
    (folder / "rng_state_1.pth").unlink()
    assert "rng_state_1.pth" in flaw(folder, run)
