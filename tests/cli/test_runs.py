"""`runs` and `stop`: every run with its computed status, and the wish to end one."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

from studio.__main__ import main
from studio.run.directory import Status
from studio.run.events import Ended, EventWriter, Metrics, Started
from studio.run.launchers import ProcessLauncher
from studio.run.owner import claim, read_owner
from studio.run.submit import submit
from tests.tiny_run import one_thread


@pytest.fixture
def ask(home, capsys):
    """The status and what was printed to standard output and standard error."""

    def call(*arguments: str) -> tuple[int, str, str]:
        status = main([*arguments, "--home", str(home.root)])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return call


@pytest.fixture
def run(home, make_recipe):
    return submit(home, make_recipe())


def test_no_run_yet(ask):
    status, words, _ = ask("runs")
    assert (status, "Start one" in words) == (0, True)
    assert json.loads(ask("runs", "--json")[1]) == []


def test_a_run_in_words_and_as_json(ask, run, tiny_base):
    claim(run.owner_path)
    with EventWriter(run.events_path) as events:
        numbers = {"rows": 18, "held_out_rows": 6, "trainable_parameters": 9, "parameters": 99}
        events.write(Started(steps=12, epochs=4, **numbers))
        events.write(Metrics(step=5, values={"loss": 1.0}))
    (fact,) = json.loads(ask("runs", "--json")[1])
    assert fact == {
        "run": run.name, "status": "running", "step": 5, "steps": 12, "base": str(tiny_base), "method": "lora",
        "task": "language-modeling", "folder": str(run.path),
    }  # fmt: skip
    words = ask("runs")[1]
    assert run.name in words
    assert "5/12" in words


def test_a_damaged_run_hides_no_other(ask, home, run, make_recipe):
    other = submit(home, make_recipe({"training.seed": 1}))
    (run.path / "recipe.yaml").write_text("method: {name: of the future}\n")
    status, out, _ = ask("runs", "--json")
    assert status == 0
    assert {fact["run"] for fact in json.loads(out)} == {run.name, other.name}
    assert run.name in ask("runs")[1]


def test_stop_takes_a_waiting_run_off_the_queue(ask, run):
    status, out, _ = ask("stop", run.name, "--json")
    assert (status, json.loads(out)) == (0, {"run": run.name, "status": "stopped"})
    assert run.status() is Status.STOPPED


def test_stop_of_a_run_that_is_over_changes_nothing(ask, run):
    ask("stop", run.name)
    (run.path / "stop").unlink()
    with EventWriter(run.events_path) as events:
        events.write(Ended(kind="finished"))
    assert ask("stop", run.name)[1] == f"{run.name}: finished\n"
    assert not run.asked_to_stop()


def test_stop_of_no_run_is_said(ask):
    status, out, err = ask("stop", "mauve-yak")
    assert (status, out) == (1, "")
    assert "There is no run 'mauve-yak'" in err


def test_resume_goes_on_from_the_newest_checkpoint_in_a_process_of_its_own(ask, home, make_recipe):
    steps = {"training.max_steps": 80, "training.save_steps": 5, "training.evaluations": 0}
    run, launcher = submit(home, make_recipe(steps)), ProcessLauncher(home)
    with one_thread():
        launcher.start(run)
        deadline = time.monotonic() + 90
        while not run.checkpoints():
            assert time.monotonic() < deadline, run.ended()
            time.sleep(0.01)
        os.kill(read_owner(run.owner_path).pid, signal.SIGKILL)
        while launcher.busy():
            time.sleep(0.01)
        assert run.status() is Status.LOST
        status, out, err = ask("resume", run.name, "--json")
    assert (status, run.status()) == (0, Status.FINISHED), err
    assert "goes on from step" in err
    assert [step for step, _ in json.loads(out)["train_loss"]] == list(range(1, 81))
    assert ask("resume", run.name)[0] == 1


def test_resume_of_a_run_that_kept_nothing_is_said(ask, run):
    ask("stop", run.name)
    status, out, err = ask("resume", run.name)
    assert (status, out) == (1, "")
    assert "has no checkpoint" in err
