"""Going on with a run: who may, what is left in its folder, and that only one of many who ask does it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from studio.errors import StudioError
from studio.run import precision
from studio.run import train as train_module
from studio.run.directory import Run, Status
from studio.run.events import Ended, EventWriter, Metrics, Resumed
from studio.run.manifest import seal
from studio.run.owner import claim
from studio.run.resume import may_resume, resume
from studio.run.wish import Wish


@pytest.fixture
def stopped(make_run) -> Run:
    """A run that was stopped at step 6, with checkpoints of steps 4 and 6."""
    run = make_run()
    claim(run.owner_path)
    for step in (4, 6):
        checkpoint = run.path / "checkpoints" / f"checkpoint-{step}"
        checkpoint.mkdir(parents=True)
        (checkpoint / "optimizer.pt").write_text("its memory")
        seal(checkpoint, run)
    with EventWriter(run.events_path) as events:
        events.write(Metrics(step=6, values={"loss": 1.0}))
        events.write(Ended(kind="stopped", step=6))
    run.ask(Wish.STOP)
    return run


def test_it_waits_again_with_nothing_lost(stopped: Run) -> None:
    before = stopped.events_path.read_bytes()
    assert may_resume(stopped, stopped.status())
    assert resume(stopped) == 6
    assert stopped.status() is Status.WAITING
    assert not stopped.asked_to_stop()
    assert stopped.events_path.read_bytes().startswith(before)
    last = stopped.events()[0][-1]
    assert (type(last), last.step) == (Resumed, 6)
    assert (stopped.path / "process.1.json").is_file()
    claim(stopped.owner_path)
    assert stopped.status() is Status.RUNNING


def test_a_second_time_is_refused_while_it_waits_and_while_it_runs(stopped: Run) -> None:
    resume(stopped)
    with pytest.raises(StudioError, match="in the queue already"):
        resume(stopped)
    claim(stopped.owner_path)
    with pytest.raises(StudioError, match=r"is running\. Stop it first"):
        resume(stopped)
    assert stopped.status() is Status.RUNNING, "the trainer's claim stays"


def test_of_many_who_ask_at_once_one_resumes_it(stopped: Run) -> None:
    gate, outcomes = threading.Barrier(8), []

    def ask() -> None:
        gate.wait()
        try:
            outcomes.append(resume(stopped))
            claim(stopped.owner_path)  # a trainer takes it at once
        except StudioError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(6) == 1
    assert sum(isinstance(event, Resumed) for event in stopped.events()[0]) == 1
    assert stopped.status() is Status.RUNNING


def test_it_can_be_resumed_more_than_once(stopped: Run) -> None:
    for number in (1, 2, 3):
        assert resume(stopped) == 6
        claim(stopped.owner_path)
        with EventWriter(stopped.events_path) as events:
            events.write(Ended(kind="failed", message="The disk is full."))
        assert (stopped.path / f"process.{number}.json").is_file()
    assert stopped.status() is Status.FAILED


def test_one_that_broke_off_while_it_was_resumed_can_be_resumed_again(stopped: Run, monkeypatch) -> None:
    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", no_room)
        with pytest.raises(StudioError, match=r"cannot be written to \(No space"):
            resume(stopped)
    assert stopped.status().over or stopped.status() is Status.RUNNING  # its owner is this very process
    stopped.owner_path.write_text(stopped.owner_path.read_text().replace('"pid": ', '"pid": 9'))
    assert stopped.status() is Status.LOST
    assert resume(stopped) == 6


@pytest.mark.parametrize(("kind", "words"), [("finished", "Extend it"), ("cancelled", "Start a new run")])
def test_a_run_with_nothing_left_to_do_is_not_resumed(kind, words, stopped: Run) -> None:
    with EventWriter(stopped.events_path) as events:
        events.write(Ended(kind=kind))
    assert not may_resume(stopped, stopped.status())
    with pytest.raises(StudioError, match=words):
        resume(stopped)


def test_a_run_that_was_paused_before_it_began_begins(make_run) -> None:
    run = make_run()
    run.ask(Wish.PAUSE)
    assert run.status() is Status.PAUSED
    assert may_resume(run, run.status())
    assert resume(run) == 0
    assert run.status() is Status.WAITING


def test_a_run_that_paused_without_room_for_a_checkpoint_cannot_begin_anew(make_run) -> None:
    run = make_run()
    claim(run.owner_path)
    with EventWriter(run.events_path) as events:
        events.write(Ended(kind="paused", step=3))
    assert not may_resume(run, run.status())
    with pytest.raises(StudioError, match="no checkpoint to go on from"):
        resume(run)


def test_without_a_checkpoint_it_says_what_to_set(make_run) -> None:
    run = make_run()
    run.ask(Wish.STOP)
    assert not may_resume(run, run.status())
    with pytest.raises(StudioError, match=r"no checkpoint to go on from.*training\.save_steps"):
        resume(run)


def test_a_draft_of_a_checkpoint_is_none(stopped: Run) -> None:
    (stopped.path / "checkpoints" / ".partial" / "checkpoint-9").mkdir(parents=True)
    assert resume(stopped) == 6


def test_a_resumed_run_keeps_the_precision_that_it_began_with(make_run, monkeypatch):
    """A second probe may find another, and then the losses would differ."""
    run = make_run({"training.precision": "auto", "training.max_steps": 3})
    probed = iter([2.0, 1.0])
    monkeypatch.setattr(precision, "speed_ratio", lambda *_: next(probed))
    monkeypatch.setattr(train_module, "save_result", lambda *_: 1 / 0)
    train_module.train(run)
    assert run.status() is Status.FAILED
    monkeypatch.undo()
    monkeypatch.setattr(precision, "speed_ratio", lambda *_: next(probed))
    with EventWriter(run.events_path) as events:
        events.write(Resumed(step=0))
    run.owner_path.unlink()
    train_module.train(run)
    assert run.status() is Status.FINISHED, run.ended()
    chosen = [event.choice for event in run.events()[0] if event.kind == "decision" and "precision" in event.choice]
    assert chosen == ["precision bf16"]
    assert next(probed) == 1.0  # nobody probed again
