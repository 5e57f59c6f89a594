"""What the trainer does becomes events, and a wish to stop reaches it."""

from __future__ import annotations

import math

import pytest
import torch
from transformers import TrainerControl, TrainerState, TrainingArguments

from studio.run.directory import Run
from studio.run.events import EventWriter
from studio.run.recorder import Recorder


@pytest.fixture
def run(tmp_path) -> Run:
    return Run(tmp_path)


@pytest.fixture
def recorder(run):
    with EventWriter(run.events_path) as events:
        yield Recorder(run, events)


ARGUMENTS = TrainingArguments(use_cpu=True, report_to="none")


def step(recorder, number, logs):
    state, control = TrainerState(global_step=number), TrainerControl()
    recorder.on_step_begin(ARGUMENTS, state, control)
    recorder.on_step_end(ARGUMENTS, state, control)
    recorder.on_log(ARGUMENTS, state, control, logs=logs)
    return control


def test_every_number_that_is_logged_is_an_event_of_its_step(recorder, run):
    step(recorder, 3, {"loss": 1.5, "note": "words", "norm": torch.tensor(2.0), "num_tokens": 100.0})
    ((event,), _) = run.events()
    assert (event.kind, event.step) == ("metrics", 3)
    assert (event.values["loss"], event.values["norm"]) == (1.5, 2.0)
    assert "note" not in event.values


def test_tokens_per_second_counts_the_tokens_of_that_step(recorder, run, monkeypatch):
    clock = iter([10.0, 12.0, 20.0, 24.0])
    monkeypatch.setattr("studio.run.recorder.time.perf_counter", lambda: next(clock))
    step(recorder, 1, {"loss": 1.0, "num_tokens": 100.0})
    step(recorder, 2, {"loss": 1.0, "num_tokens": 300.0})
    first, second = (event.values for event in run.events()[0])
    assert (first["tokens_per_second"], first["step_seconds"]) == (50.0, 2.0)
    assert (second["tokens_per_second"], second["step_seconds"]) == (50.0, 4.0)


def test_an_evaluation_has_no_speed(recorder, run):
    step(recorder, 1, {"eval_loss": 1.0, "num_tokens": 100.0})
    assert "tokens_per_second" not in run.events()[0][0].values


def test_a_loss_that_is_no_number_is_written_as_it_is(recorder, run):
    step(recorder, 1, {"loss": math.nan})
    assert math.isnan(run.events()[0][0].values["loss"])


def test_the_mean_of_no_steps_is_no_loss_of_zero(recorder, run):
    recorder.on_log(ARGUMENTS, TrainerState(), TrainerControl(), logs={"train_loss": 0.0})
    step(recorder, 1, {"loss": 1.0})
    recorder.on_log(ARGUMENTS, TrainerState(), TrainerControl(), logs={"train_loss": 1.0})
    assert [event.values.get("train_loss") for event in run.events()[0]] == [None, None, 1.0]


def test_tokens_are_counted_over_all_processes_that_did_the_run(recorder, run):
    """Each counts from 0; the history of the checkpoint knows what the ones before it counted."""
    counts = [(1, 100.0), (2, 210.0), (3, 90.0), (4, 200.0)]
    state = TrainerState(log_history=[{"step": at, "loss": 1.0, "num_tokens": count} for at, count in counts])
    recorder.on_train_begin(ARGUMENTS, state, TrainerControl())
    step(recorder, 5, {"loss": 1.0, "num_tokens": 95.0})
    assert run.events()[0][-1].values["num_tokens"] == 505.0


def test_what_a_step_takes_of_the_machine_is_beside_its_loss(recorder, run):
    step(recorder, 1, {"loss": 1.0})
    assert run.events()[0][0].values["memory"] > 10**6


def test_a_long_check_says_how_far_it_is(recorder, run, monkeypatch):
    clock = iter([0.0, 0.5, 1.2, 1.3, 2.5])
    monkeypatch.setattr("studio.run.phases.time.monotonic", lambda: next(clock))
    state = TrainerState(global_step=3)
    for _ in range(4):
        recorder.on_prediction_step(ARGUMENTS, state, TrainerControl(), eval_dataloader=range(4))
    recorder.on_log(ARGUMENTS, state, TrainerControl(), logs={"eval_loss": 1.0})
    said = [(event.kind, getattr(event, "phase", ""), getattr(event, "done", 0)) for event in run.events()[0]]
    assert said == [("phase", "scoring", 2), ("phase", "scoring", 4), ("metrics", "", 0), ("phase", "training", 0)]


def test_a_check_costs_what_its_batches_cost_without_the_warm_up_of_the_first(recorder, run, monkeypatch):
    clock = iter([9.0, 10.0, 11.0, 12.0])  # the first batch took until 9
    monkeypatch.setattr("studio.run.recorder.time.perf_counter", lambda: next(clock))
    state, control = TrainerState(global_step=0), TrainerControl()
    for _ in range(4):
        recorder.on_prediction_step(ARGUMENTS, state, control)
    recorder.on_log(ARGUMENTS, state, control, logs={"eval_loss": 1.0})
    recorder.on_log(ARGUMENTS, state, control, logs={"eval_loss": 1.0})
    first, second = (event.values for event in run.events()[0])
    assert first["check_seconds"] == 4.0
    assert "check_seconds" not in second


def test_a_check_tells_how_far_it_is_from_the_smoothed_training_loss(recorder, run):
    step(recorder, 0, {"eval_loss": 5.0})
    for number in range(1, 4):
        step(recorder, number, {"loss": 2.0})
    step(recorder, 3, {"eval_loss": 2.5})
    found = [event.values for event in run.events()[0] if "eval_loss" in event.values]
    assert "gap" not in found[0], "nothing was trained yet"
    assert found[1]["gap"] == pytest.approx(0.5)
