"""The loss of each row while it is learned from: what it adds up to, whose it is, and that nothing else changes."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from studio.run import train as train_module
from studio.run.branch import branch
from studio.run.directory import Run, Status
from studio.run.resume import resume
from studio.run.row_losses import keep
from studio.run.row_losses.record import records
from studio.run.train import train
from studio.run.wish import Wish
from tests.run.tasks.conftest import StopAfter
from tests.tiny_run import one_thread

SHORT = {"training.epochs": 1, "training.evaluations": 0, "training.precision": "float32"}


@pytest.fixture(autouse=True, scope="module")
def quick():
    with one_thread():
        yield


def kept(run: Run) -> np.ndarray:
    return np.array(records(run.path / "row_losses-0.records"))


def logged(run: Run) -> dict[int, float]:
    events = run.events()[0]
    return {event.step: event.values["loss"] for event in events if event.kind == "metrics" and "loss" in event.values}


def of_steps(found: np.ndarray) -> dict[int, float]:
    sums: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for record in found:
        sums[int(record["step"])][0] += float(record["loss"]) * int(record["tokens"])
        sums[int(record["step"])][1] += int(record["tokens"])
    return {step: total / tokens for step, (total, tokens) in sums.items()}


@pytest.mark.parametrize(
    "changes",
    [
        {"training.batch_size": 2, "training.gradient_accumulation": 3},
        {"training.packing": True, "training.max_length": 64, "training.batch_size": 2},
        {"method.name": "prompt-tuning"},
    ],
    ids=lambda changes: next(iter(changes.values())),
)
def test_the_losses_of_the_rows_of_a_step_add_up_to_its_loss(changes, make_run):
    run = make_run(SHORT | changes)
    train(run)
    assert run.status() is Status.FINISHED, run.ended()
    found = kept(run)
    assert sorted(found["place"].tolist()) == list(range(len(run.examples("train")))), "each row once an epoch"
    assert of_steps(found) == pytest.approx(logged(run), rel=1e-4)


def test_a_loss_is_the_own_one_of_its_row(make_run):
    """Rows whose answers are long and odd stand out, each at its own place."""
    run = make_run(SHORT | {"training.packing": True, "training.max_length": 96})
    lines = (run.path / "data" / "train.jsonl").read_text("utf-8").splitlines()
    lines[3] = lines[3].replace('"completion":"', '"completion":"zzzzzzzz')
    (run.path / "data" / "train.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    train(run)
    by_place = {int(record["place"]): int(record["tokens"]) for record in kept(run)}
    answers = [len(example.completion.encode()) for example in run.examples("train")]
    extra = {tokens - answers[place] for place, tokens in by_place.items()}
    assert len(extra) == 1, "as many tokens as its own answer has, and the end"


def test_nothing_else_changes(make_run, monkeypatch):
    with_losses = make_run(SHORT)
    train(with_losses)
    monkeypatch.setattr(keep.KeepsRowLosses, "_refused", True)
    without = make_run(SHORT)
    train(without)
    assert logged(with_losses) == logged(without)
    weights = [(run.path / "adapter" / "adapter_model.safetensors").read_bytes() for run in (with_losses, without)]
    assert weights[0] == weights[1]
    assert len(kept(with_losses))
    assert not len(kept(without))


def test_what_was_taken_back_is_taken_back_here_too_and_a_branch_knows_what_was(make_run, home, monkeypatch):
    run = make_run(SHORT | {"training.epochs": 3, "training.save_steps": 2})
    build = train_module.build_trainer

    def watched(run: Run, *arguments: object) -> object:
        trainer = build(run, *arguments)
        trainer.add_callback(StopAfter(run, 5))
        return trainer

    monkeypatch.setattr(train_module, "build_trainer", watched)
    train(run)
    monkeypatch.undo()
    assert kept(run)["step"].max() == 5
    with (run.path / "row_losses-0.records").open("ab") as file:
        file.write(np.array([(7, 1, 1, 0.5)], keep.RECORD).tobytes() + b"torn")
    (run.path / "row_losses-1.records").write_bytes(np.array([(9, 1, 1, 0.5)], keep.RECORD).tobytes())
    assert run.status() is Status.STOPPED
    other = branch(home, run, 4, {"training.epochs": 2})
    assert kept(other)["step"].max() == 4
    taken = branch(home, run, 4, {"training.max_steps": 4})
    train(taken)
    assert taken.status() is Status.FINISHED, taken.ended()
    assert np.array_equal(kept(taken), kept(other)), "no step more: the model of that checkpoint"
    assert resume(run) == 5
    train(run)
    found = kept(run)
    assert (run.path / "row_losses-0.records").stat().st_size % keep.RECORD.itemsize == 0
    assert not (run.path / "row_losses-1.records").stat().st_size, "of a process that is no longer there"
    assert found["step"].tolist() == sorted(found["step"])
    assert np.bincount(found["place"]).tolist() == [3] * len(run.examples("train"))


def test_a_full_disk_ends_the_keeping_and_not_the_run(make_run, monkeypatch):
    def full(path: Path, some: np.ndarray) -> None:
        if some["step"][0] > 1:
            raise OSError(28, "No space left on device")
        append(path, some)

    append = keep.append
    monkeypatch.setattr(keep, "append", full)
    run = make_run(SHORT)
    train(run)
    assert run.status() is Status.FINISHED
    told = [event.message for event in run.events()[0] if event.kind == "warning" and event.cause == "disk"]
    assert len(told) == 1
    assert "could not be written at step 2" in told[0]
    assert set(kept(run)["step"].tolist()) == {1}


def test_stopped_runs_ask_for_nothing(make_run):
    run = make_run(SHORT)
    run.ask(Wish.STOP)
    train(run)
    assert not list(run.path.glob("row_losses-*"))
