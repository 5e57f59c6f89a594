"""F14: the loss or a gradient is no number at step k: the update is not made, and what was good is kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from studio.recipe.ways_out import ways_out
from studio.run.checkpoints import WEIGHTS
from studio.run.directory import Run, Status
from studio.run.resume import resume
from studio.run.tasks import language_modeling
from studio.run.train import train
from tests.faults.training import OPTIONS, adapter_bytes, at, measured

pytestmark = pytest.mark.usefixtures("one_thread")

BAD = 4  # steps done before it
WITHOUT = {**OPTIONS, "training.save_steps": 0}


def bad_loss(trainer: Any, model: Any, loss: Any) -> Any:
    return loss * math.nan


def endless_loss(trainer: Any, model: Any, loss: Any) -> Any:
    return loss + math.inf


def bad_gradient(trainer: Any, model: Any, loss: Any) -> Any:
    weight = next(w for name, w in model.named_parameters() if "layers.1" in name and "up_proj.lora_B" in name)
    if not hasattr(weight, "spoiled"):
        weight.spoiled = weight.register_hook(lambda gradient: gradient * math.nan)
    return loss


@pytest.fixture
def spoiled(make_run, monkeypatch) -> Callable[..., Run]:
    """A run that a function of trainer, model and loss spoils at one step."""

    def make(spoil: Callable[..., Any], **more: Any) -> Run:
        class Spoiled(language_modeling.Tuner):
            def compute_loss(self, model: Any, *arguments: Any, **options: Any) -> Any:
                loss = super().compute_loss(model, *arguments, **options)
                return spoil(self, model, loss) if self.state.global_step == BAD and model.training else loss

        run = make_run(WITHOUT | more)
        with monkeypatch.context() as patch:
            patch.setattr(language_modeling, "Tuner", Spoiled)
            train(run)
        return run

    return make


@pytest.mark.parametrize("clipping", [1.0, 0.0], ids=["clipped", "not clipped"])
@pytest.mark.parametrize(
    ("spoil", "where"),
    [
        (bad_loss, "The loss"),
        (endless_loss, "The loss"),
        (bad_gradient, "first in layers.1.mlp.up_proj.lora_B)"),
    ],
    ids=["loss", "endless loss", "gradient"],
)
def test_the_step_is_not_taken_and_the_last_good_state_is_kept(spoil, where, clipping, spoiled, make_run):
    run = spoiled(spoil, **{"training.max_grad_norm": clipping})
    ended = run.ended()
    assert (run.status(), ended.cause, ended.step) == (Status.FAILED, "not-a-number", BAD), ended
    assert where in ended.message
    assert "no longer a number at step 5 (epoch 1.33)" in ended.message
    assert ways_out(ended.cause, run.recipe)
    assert run.result is None

    drawn = [(step, value) for name, step, value in measured(run) if name in {"loss", "grad_norm"}]
    assert [step for step, value in drawn if not math.isfinite(value)][-1] == BAD + 1
    assert all(value > 0 for step, value in drawn if step <= BAD)
    assert not [step for step, value in drawn if value == 0]

    assert [path.name for path in run.checkpoints()] == [f"checkpoint-{BAD}"]
    kept = load_file(run.checkpoints()[0] / WEIGHTS)
    assert all(bool(weight.isfinite().all()) for weight in kept.values())


def test_what_is_kept_goes_on_as_the_straight_run(spoiled, make_run):
    straight = make_run(WITHOUT)
    train(straight)
    run = spoiled(bad_loss)
    assert resume(run) == BAD
    train(run)
    assert run.status() is Status.FINISHED, run.ended()
    assert measured(run) == measured(straight)
    assert adapter_bytes(run) == adapter_bytes(straight)


@pytest.mark.parametrize(("step", "kept"), [(3, [2]), (4, [2, 4])], ids=["before a save", "between saves"])
def test_weights_that_an_update_spoiled_are_never_kept(step, kept, make_run, monkeypatch):
    """Loss and gradients were fine before it."""
    run, models = make_run(OPTIONS), []

    class Keeps(language_modeling.Tuner):
        def create_optimizer(self, *arguments: Any) -> Any:
            models.append(self.model)
            return super().create_optimizer(*arguments)

    def spoil() -> None:
        with torch.no_grad():
            next(weight for weight in models[0].parameters() if weight.requires_grad).fill_(math.nan)

    monkeypatch.setattr(language_modeling, "Tuner", Keeps)
    at(monkeypatch, "on_optimizer_step", step, spoil)
    train(run)
    ended = run.ended()
    assert (run.status(), ended.cause) == (Status.FAILED, "not-a-number")
    assert [path.name for path in run.checkpoints()] == [f"checkpoint-{step}" for step in kept]
    assert f"The checkpoint of step {kept[-1]} is kept" in ended.message
