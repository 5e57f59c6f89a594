"""`runs`, `stop`, `queue`, `resume` and their like: how every run stands, and what a person wants of one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from studio.__main__ import main
from studio.home import CHECKOUT
from studio.run.directory import Status
from studio.run.events import Ended, EventWriter, Metrics, Started
from studio.run.launchers import ProcessLauncher
from studio.run.owner import claim, read_owner
from studio.run.submit import submit
from tests.fake_trainer import trainer, until
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
        "task": "language-modeling", "place": 0, "devices": [], "folder": str(run.path),
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


@pytest.mark.slow  # tests/faults/test_f01_kill_trainer.py holds the same without a process of its own
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


def test_runs_and_queue_show_places_and_devices(ask, home, make_recipe, run, monkeypatch):
    monkeypatch.setenv("STUDIO_DEVICES", "GPU-a")
    claim(run.owner_path)
    second, third = (submit(home, make_recipe({"training.seed": seed})) for seed in (1, 2))
    facts = {fact["run"]: fact for fact in json.loads(ask("runs", "--json")[1])}
    assert facts[run.name]["devices"] == ["GPU-a"]
    assert [facts[each.name]["place"] for each in (run, second, third)] == [0, 1, 2]
    assert "waiting 2" in ask("runs")[1]
    assert json.loads(ask("queue", "--json")[1]) == [second.name, third.name]
    assert json.loads(ask("queue", third.name, "--up", "1", "--json")[1]) == [third.name, second.name]
    assert ask("queue", third.name, "--last")[1].splitlines() == [f"  1  {second.name}", f"  2  {third.name}"]
    status, _, err = ask("queue", third.name)
    assert (status, "Add --up 1" in err) == (1, True)
    status, _, err = ask("queue", run.name, "--first")
    assert (status, "Only a run that waits" in err) == (1, True)


@pytest.mark.parametrize(("verb", "status"), [("stop", "stopped"), ("pause", "paused"), ("cancel", "cancelled")])
def test_what_a_run_that_waits_or_is_lost_is_asked_is_done_at_once(ask, home, make_recipe, run, verb, status):
    lost = submit(home, make_recipe({"training.seed": 1}))
    owner = claim(lost.owner_path)
    lost.owner_path.write_text(owner.model_copy(update={"ticks": 5}).model_dump_json(), "utf-8")
    for each in (run, lost):
        (each.path / "checkpoints" / "checkpoint-1").mkdir(parents=True)
        assert ask(verb, each.name)[:2] == (0, f"{each.name}: {status}\n")
        assert bool(each.checkpoints()) is (verb != "cancel")
    assert lost.ended().kind == status
    assert ask("queue")[1] == "No run waits.\n"


def test_stop_now_ends_what_hangs(ask, home, run):
    launcher = ProcessLauncher(home, trainer("step(3)\ntime.sleep(600)"))
    launcher.start(run)
    until(lambda: run.events()[0])
    assert json.loads(ask("stop", run.name, "--now", "--json")[1]) == {"run": run.name, "status": "stopped"}
    until(lambda: not launcher.busy())
    assert run.ended().step == 3


def test_branch_and_extend_make_runs_that_wait(ask, home, run, monkeypatch):
    made = []

    def branch(where, parent, step, changes):
        made.append((parent, step, dict(changes)))
        return parent

    monkeypatch.setattr("studio.run.branch.branch", branch)
    monkeypatch.setattr("studio.run.branch.extend", lambda where, parent, epochs: made.append(epochs) or parent)
    for step in (4, 12):
        (run.path / "checkpoints" / f"checkpoint-{step}").mkdir(parents=True)
    rate = ("--set", "training.learning_rate=1e-4", "--no-start")
    assert ask("branch", run.name, *rate)[1] == f"{run.path}\n"
    assert ask("branch", run.name, "--step", "4", "--no-start", "--json")[0] == 0
    assert ask("extend", run.name, "--epochs", "1.5", "--no-start")[0] == 0
    assert made == [(run, 12, {"training.learning_rate": "1e-4"}), (run, 4, {}), 1.5]
    status, _, err = ask("branch", run.name, "--set", "epochs", "--no-start")
    assert (status, "it has no =" in err) == (1, True)


def test_whoever_reads_may_stop_reading(home):
    reads, writes = os.pipe()
    os.close(reads)
    command = [sys.executable, "-m", "studio", "runs", "--json", "--home", str(home.root)]
    done = subprocess.run(command, stdout=writes, stderr=subprocess.PIPE, text=True, cwd=CHECKOUT, timeout=240)
    os.close(writes)
    assert (done.returncode, done.stderr) == (1, "The output was closed before all of it was written.\n")
