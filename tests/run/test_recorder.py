"""What the trainer does becomes events, and a wish to stop reaches it."""

from __future__ import annotations

import math

import pytest
import torch
from transformers import TrainerControl, TrainerState, TrainingArguments

from studio.run.directory import Run
from studio.run.events import EventWriter
from studio.run.recorder import Recorder
from studio.run.wish import Wish


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


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_ends_training_there(recorder, run, loss):
    assert not step(recorder, 1, {"loss": 1.0}).should_training_stop
    assert step(recorder, 2, {"loss": loss}).should_training_stop
    assert recorder.poisoned_at == 2
    assert not math.isfinite(run.events()[0][-1].values["loss"])


def test_the_stop_file_ends_training_at_a_steps_end_without_a_last_evaluation(recorder, run):
    state, control = TrainerState(global_step=1), TrainerControl(should_evaluate=True)
    recorder.on_step_end(ARGUMENTS, state, control)
    assert (control.should_training_stop, control.should_evaluate) == (False, True)
    run.ask(Wish.STOP)
    recorder.on_step_end(ARGUMENTS, state, control)
    assert (control.should_training_stop, control.should_evaluate) == (True, False)


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


def test_a_stop_leaves_out_no_check_that_decides_something(recorder, run):
    run.ask(Wish.STOP)
    follows = TrainingArguments(use_cpu=True, report_to="none", metric_for_best_model="loss")
    control = TrainerControl(should_evaluate=True)
    recorder.on_step_end(follows, TrainerState(global_step=1), control)
    assert (control.should_training_stop, control.should_evaluate) == (True, True)
