"""Early stopping and keeping the best: when a run ends, which weights are kept, and that resuming changes neither."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import TrainerCallback, TrainerControl, TrainerState

from studio.run import train as train_module
from studio.run.checkpoints import WEIGHTS
from studio.run.directory import Run, Status
from studio.run.events import that_count
from studio.run.resume import resume
from studio.run.stopping import Heeds, without_progress
from studio.run.tasks import language_modeling
from studio.run.train import train
from studio.run.wish import Interrupted, Wish
from tests.tiny_run import one_thread

LONG = {"epochs": 8, "evaluations": 8}  # 24 steps, a check after every third


@pytest.fixture(autouse=True, scope="module")
def quick():
    with one_thread():
        yield


@pytest.fixture
def done(make_run) -> Callable[..., Run]:
    def make(**training: Any) -> Run:
        run = make_run({f"training.{name}": value for name, value in training.items()} | {"method.rank": 64})
        train(run)
        return run

    return make


@pytest.fixture
def stopped_at(monkeypatch, make_run) -> Callable[..., Run]:
    """A run that is stopped at a step and gone on with."""

    class StopAt(TrainerCallback):
        def __init__(self, run: Run, step: int) -> None:
            self.run, self.step = run, step

        def on_step_begin(self, args, state, control, **_):
            if state.global_step + 1 == self.step:
                self.run.ask(Wish.STOP)

    def make(step: int, then_resume: bool = True, **training: Any) -> Run:
        build = train_module.build_trainer
        run = make_run({f"training.{key}": training[key] for key in training} | {"method.rank": 64})

        def build_and_add(run, *rest):
            trainer = build(run, *rest)
            trainer.add_callback(StopAt(run, step))
            return trainer

        monkeypatch.setattr(train_module, "build_trainer", build_and_add)
        train(run)
        assert (run.status(), run.ended().step) == (Status.STOPPED, step), run.ended()
        monkeypatch.setattr(train_module, "build_trainer", build)
        if not then_resume:
            return run
        assert resume(run) == step
        train(run)
        return run

    return make


def measured(run: Run) -> list[tuple[str, int, float]]:
    metrics = [event for event in that_count(run.events()[0]) if event.kind == "metrics"]
    keys = ("loss", "eval_loss", "learning_rate")
    return [(key, event.step, event.values[key]) for event in metrics for key in keys if key in event.values]


def held_out(run: Run) -> dict[int, float]:
    return {step: value for name, step, value in measured(run) if name == "eval_loss"}


def result(run: Run) -> dict[str, torch.Tensor]:
    return load_file(run.adapter / "adapter_model.safetensors")


def same_as_checkpoint(run: Run, step: int) -> bool:
    kept = load_file(run.path / "checkpoints" / f"checkpoint-{step}" / WEIGHTS)
    return all(
        torch.equal(value, kept[name.replace(".weight", ".default.weight")]) for name, value in result(run).items()
    )


@pytest.mark.parametrize(
    ("losses", "smallest", "checks"),
    [
        ([], 0, 0),
        ([3.0], 0, 0),
        ([3.0, 2.0, 1.0], 0, 0),
        ([3.0, 2.0, 2.0, 2.5], 0, 2),
        ([3.0, float("nan"), 2.0, float("nan")], 0, 1),
        ([3.0, 2.95, 2.9, 2.85], 0.1, 0),  # slow progress counts once it adds up
        ([3.0, 2.95, 2.94], 0.1, 2),
    ],
)
def test_checks_without_progress_are_counted(losses, smallest, checks):
    assert without_progress(losses, smallest) == checks


@pytest.fixture
def held_out_loss(monkeypatch) -> Callable[[Callable[[int], float]], None]:
    """Makes the held-out loss a function of the step, as no data does so surely."""

    def be(loss_at: Callable[[int], float]) -> None:
        class Scripted(language_modeling.Tuner):
            def prediction_step(self, *arguments, **options):
                super().prediction_step(*arguments, **options)
                return torch.tensor(loss_at(self.state.global_step)), None, None

        monkeypatch.setattr(language_modeling, "Tuner", Scripted)

    return be


def down_and_up(step: int) -> float:
    """Lowest at step 9."""
    return 1 + abs(step - 9) / 10


def test_it_ends_where_the_held_out_loss_no_longer_falls_and_keeps_the_best(done, held_out_loss):
    held_out_loss(down_and_up)
    run = done(early_stopping=2, **LONG)
    assert run.status() is Status.FINISHED, run.ended()
    assert list(held_out(run)) == [0, 3, 6, 9, 12, 15]
    assert run.ended().step == 15
    assert run.ended().message == (
        "Stopped early at step 15 of 24: the held-out loss had not fallen for 2 checks. "
        "Held-out loss was best at step 9 (1); those weights are kept."
    )
    assert same_as_checkpoint(run, 9)
    decided = [event.choice for event in run.events()[0] if event.kind == "decision"]
    assert decided[-2:] == ["early stopping at step 15", "the weights of step 9 are kept"]


def test_a_small_fall_is_no_progress_where_more_is_asked(done, held_out_loss):
    held_out_loss(lambda step: 3 - step / 100)
    assert done(early_stopping=2, smallest_improvement=0.05, **LONG).ended().step == 24  # 0.06 in two checks
    assert done(early_stopping=2, smallest_improvement=0.07, **LONG).ended().step == 6


def test_the_best_is_kept_without_stopping_early_whatever_else_is_saved(done, held_out_loss):
    held_out_loss(down_and_up)
    run = done(keep_best=True, save_steps=2, saves_kept=1, **LONG)
    assert run.ended().step == 24
    assert run.ended().message == "Held-out loss was best at step 9 (1); those weights are kept."
    assert same_as_checkpoint(run, 9)
    assert {path.name for path in run.checkpoints()} == {"checkpoint-9", "checkpoint-24"}


def test_without_it_the_last_weights_are_kept(done, held_out_loss):
    held_out_loss(down_and_up)
    run = done(save_steps=12, **LONG)
    assert run.ended().message == ""
    assert same_as_checkpoint(run, 24)
    assert not same_as_checkpoint(run, 12)


def test_a_model_that_only_gets_worse_is_told_of(done, held_out_loss):
    held_out_loss(lambda step: 1 + step)
    message = done(early_stopping=1, **LONG).ended().message
    assert "best at step 3 (4); those weights are kept. It was lower before training (1): try a lower" in message


def test_the_best_so_far_is_kept_of_a_run_that_is_stopped(stopped_at, held_out_loss):
    held_out_loss(down_and_up)
    run = stopped_at(14, keep_best=True, then_resume=False, **LONG)
    assert run.ended().message.startswith(
        "Stopped at step 14 of 24; what was learned is kept. Held-out loss was best at"
    )
    assert same_as_checkpoint(run, 9)


@pytest.mark.parametrize("step", [11, 12], ids=["between checks", "at a check"])
def test_a_stopped_and_resumed_run_ends_where_the_straight_one_does(step, done, stopped_at, held_out_loss):
    """Three checks to wait for, of which one lies before the stop or at it."""
    held_out_loss(down_and_up)
    options = {**LONG, "early_stopping": 3, "neftune": 5}
    straight, resumed = done(**options), stopped_at(step, **options)
    assert straight.ended().step == resumed.ended().step == 18
    assert measured(resumed) == measured(straight)
    assert resumed.ended().message == straight.ended().message
    assert all(torch.equal(value, result(straight)[name]) for name, value in result(resumed).items())


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "adamw-8bit", "label_smoothing": 0.1, "neftune": 5},
        {"optimizer": "ademamix-8bit", "group_by_length": True, "gradient_accumulation": 2, "batch_size": 3},
        {"optimizer": "lion", "packing": True, "batch_size": 1},
        {"optimizer": "adafactor", "schedule": "reduce_lr_on_plateau", "plateau_patience": 0, "evaluations": 6},
        {"optimizer": "sgd", "loss_type": "dft", "schedule": "warmup_stable_decay"},
    ],
    ids=lambda options: " ".join(options),
)
def test_every_option_resumes_exactly(options, done, stopped_at):
    """In the second of two passes, so that what is drawn once a pass has to be drawn again."""
    straight, resumed = done(**options), stopped_at(4, **options)
    assert straight.status() is resumed.status() is Status.FINISHED
    assert straight.ended().step > 5
    assert measured(resumed) == measured(straight)
    assert all(torch.equal(value, result(straight)[name]) for name, value in result(resumed).items())


def test_what_was_decided_is_told_once(stopped_at):
    run = stopped_at(4, evaluation_rows=3)
    told = [event.model_dump(exclude={"time"}) for event in run.events()[0] if event.kind in {"decision", "warning"}]
    assert len(told) == len({str(each) for each in told})
    assert any("first 3 rows" in each.get("choice", "") for each in told)


def test_a_wish_ends_training_at_a_steps_end_with_a_checkpoint_and_without_a_last_check(make_run):
    run = make_run()
    heeds, control = Heeds(run), TrainerControl(should_evaluate=True)
    heeds.on_step_end(None, TrainerState(), control)
    assert (control.should_training_stop, control.should_save, control.should_evaluate) == (False, False, True)
    run.ask(Wish.STOP)
    heeds.on_substep_end(None, TrainerState(), control)
    heeds.on_step_end(None, TrainerState(), control)
    assert (control.should_training_stop, control.should_save, control.should_evaluate) == (True, True, False)
    with pytest.raises(Interrupted):
        heeds.on_prediction_step()
    run.ask(Wish.CANCEL)
    with pytest.raises(Interrupted):
        heeds.on_substep_end()
