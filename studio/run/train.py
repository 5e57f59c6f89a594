"""One training loop for every method and every task: reads a run directory, trains, leaves events and a result."""

from __future__ import annotations

import math
import time
import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from studio.errors import StudioError
from studio.recipe.methods.method import Situation
from studio.recipe.model_folder import widths
from studio.recipe.models import fetch, locate
from studio.recipe.optimizers import NEEDS_GPU
from studio.recipe.read import changed
from studio.run import owner
from studio.run.arguments import training_arguments
from studio.run.base import Precision, attention_fallback, choose_precision
from studio.run.checkpoints import SaveAt, lacks_check, newest
from studio.run.directory import Run
from studio.run.ending import ended_as
from studio.run.events import Decision, Ended, EventWriter, Phase, Started, Warned
from studio.run.packing import is_packed, keep_apart
from studio.run.recorder import Recorder
from studio.run.result import save_result
from studio.run.retold import OnceTold
from studio.run.steps import steps_of
from studio.run.stopping import EarlyStopping
from studio.run.tasks.every import runner_of
from studio.run.tasks.runner import Rows, TaskRunner
from studio.run.tokenizer import load_tokenizer
from studio.run.tune import counted, put_on

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, Trainer, TrainerCallback

    from studio.recipe.recipe import Recipe


PRECISION = "precision "  # begins the decision that says which
USUAL_LENGTH = 64  # tokens of a row, where a guess is enough


@dataclass(frozen=True)
class Base:
    """The loaded base model, with what else the trainer needs of it."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    precision: Precision
    folder: Path


def train(run: Run) -> None:
    """Do the whole run. How it ended is the last event; no exception of the training leaves this function.

    Raises:
        StudioError: the run was already started by another process.
    """
    owner.claim(run.owner_path)
    began = time.monotonic()
    with OnceTold(run) as events:
        try:
            ended = _train(run, events)
        except Exception as error:
            traceback.print_exc()  # the whole story for the log; one sentence for the page
            ended = Ended(kind="failed", message=explain(error))
        events.write(ended.model_copy(update={"seconds": time.monotonic() - began, "time": time.time()}))


def explain(error: Exception) -> str:
    """What a person needs to know of an error: what happened, and what to do."""
    if isinstance(error, StudioError):
        return str(error)
    text = f"{type(error).__name__}: {error}"[:400]
    if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in text:
        return (
            "The memory was not enough for this recipe. Lower the batch size (and raise gradient accumulation by the "
            f"same factor), lower the longest row, or switch gradient checkpointing on. ({text})"
        )
    if isinstance(error, OSError) and error.errno == 28:
        return "The disk is full, so the result could not be saved. Free some space and train again."
    if isinstance(error, ValueError) and "arget modules" in text:
        return (
            "The layers that the recipe names were not found in this base model, whose parts have other names. "
            f"Set the layers to all-linear. ({text})"
        )
    return f"The trainer ended with an error that it did not expect: {text}. The run's log has the details."


def _train(run: Run, events: EventWriter) -> Ended:
    recipe = run.recipe
    runner = runner_of(recipe)
    runner.begin(run)
    base = load_base(recipe, runner, events, _decided(run))
    if run.asked_to_stop():
        return Ended(kind="stopped", message="Stopped before the first step; nothing was learned yet.")
    events.write(Phase(phase="preparing"))
    rows = (
        runner.rows(run, "train", base.tokenizer, events),
        runner.rows(run, "held_out", base.tokenizer, events),
    )
    recorder = Recorder(run, events)
    trainer = build_trainer(run, runner, base, rows, recorder)
    for warning in _warnings(recipe):
        events.write(warning)
    if is_packed(rows[0].dataset):
        keep_apart(trainer.model)
    events.write(_started(trainer, rows))
    events.write(Phase(phase="training"))
    began_at = newest(run)
    if began_at:
        trainer.args.eval_on_start = lacks_check(began_at, trainer.args.eval_steps)
    trainer.train(resume_from_checkpoint=str(began_at) if began_at else None)
    step = trainer.state.global_step
    poisoned_at = recorder.poisoned_at if _all_numbers(trainer.model) else recorder.poisoned_at or step
    if poisoned_at is not None:
        raise StudioError(
            f"The loss was no longer a number at step {poisoned_at}, so training ended there. "
            "Lower the learning rate to a third of what you set, or switch gradient clipping on."
        )
    events.write(Phase(phase="saving", step=step))
    folder = save_result(run, trainer.model, recipe.method, base.tokenizer)
    ended, decisions = ended_as(trainer, trainer.callback_handler.callbacks, run.asked_to_stop())
    for decision in decisions:
        events.write(decision)
    return ended.model_copy(update={"folder": folder})


def _warnings(recipe: Recipe) -> list[Warned]:
    """What the recipe asks for that this machine does not have."""
    optimizer = recipe.training.optimizer
    if optimizer not in NEEDS_GPU or torch.cuda.is_available():
        return []
    plain = optimizer.removeprefix("paged-")
    return [Warned(message=f"Without a GPU nothing is paged: {optimizer} does what {plain} does.")]


def _all_numbers(model: Any) -> bool:
    """Whether the trained weights are numbers: the last step can spoil them after its loss was measured."""
    return all(bool(weight.isfinite().all()) for weight in model.parameters() if weight.requires_grad)


def load_base(recipe: Recipe, runner: TaskRunner, events: EventWriter, decided: str = "") -> Base:
    """The base of a recipe as its task wants it. `decided` is the precision that a resumed run began with.

    Raises:
        StudioError: it cannot be fetched or loaded.
    """
    events.write(Phase(phase="loading"))
    folder = fetch(locate(recipe.model.id))
    if decided:  # a second probe might find another, and then the losses would differ
        precision = precision_of(changed(recipe, {"training.precision": decided}))
    else:
        precision = precision_of(recipe, folder)
        events.write(Decision(choice=f"{PRECISION}{precision.autocast or 'float32'}", reason=precision.reason))
    tokenizer, decisions = load_tokenizer(folder, runner.speaks)
    for choice, reason in decisions:
        events.write(Decision(choice=choice, reason=reason))
    model = runner.load(folder, precision, recipe.method.quantization(precision.compute))
    if fallback := attention_fallback(model):
        events.write(Decision(choice=fallback[0], reason=fallback[1]))
    return Base(model, tokenizer, precision, folder)


def _decided(run: Run) -> str:
    """The precision that the run has begun with; empty where it begins now."""
    choices = (event.choice for event in run.events()[0] if isinstance(event, Decision))
    found = next((choice.removeprefix(PRECISION) for choice in choices if choice.startswith(PRECISION)), "")
    return {"bf16": "bfloat16", "fp16": "float16"}.get(found, found)


def precision_of(recipe: Recipe, folder: Path | None = None) -> Precision:
    """In which the base is held and computed with. Weights of the base that move are held in float32.

    With the base's `folder`, a choice that is left to the studio suits the width of its layers.
    """
    tokens = recipe.training.batch_size * min(recipe.training.max_length, USUAL_LENGTH)
    precision = choose_precision(recipe.training.precision, widths(folder) if folder else None, tokens)
    return replace(precision, weights=torch.float32) if recipe.method.trains_base else precision


def build_trainer(run: Run, runner: TaskRunner, base: Base, rows: tuple[Rows, Rows], recorder: Recorder) -> Trainer:
    """The trainer of a run, with its method on the base."""
    recipe, counts = runner.recipe, (len(rows[0]), len(rows[1]))
    situation = Situation(recipe.task.peft_type, steps_of(recipe.training, counts[0]), str(base.folder))
    model = put_on(base.model, recipe, situation, runner.new_modules)
    arguments = training_arguments(recipe, base.precision, run.path / "checkpoints", *counts)
    trainer = runner.trainer(model, base.tokenizer, arguments, rows, [*callbacks_of(run, recipe), recorder])
    if base.precision.autocast == "fp16":
        tuned: Any = trainer.model
        for parameter in tuned.parameters():
            if parameter.requires_grad:  # the gradient scaler wants trained weights in float32
                parameter.data = parameter.data.float()
    return trainer


def callbacks_of(run: Run, recipe: Recipe) -> list[TrainerCallback]:
    """What the method, the recipe's checkpoints and early stopping do at moments of the training."""
    training = recipe.training
    patience, smallest = training.early_stopping, training.smallest_improvement
    stopping = [EarlyStopping(patience, smallest)] if patience else []
    return [*recipe.method.callbacks(), SaveAt(run, training.save_steps), *stopping]


def _started(trainer: Trainer, rows: tuple[Rows, Rows]) -> Started:
    tuned: Any = trainer.model
    trainable, parameters = counted(tuned)
    config = trainer.args
    batches = len(trainer.get_train_dataloader())
    per_epoch = max(1, -(-batches // config.gradient_accumulation_steps))
    steps = config.max_steps if config.max_steps > 0 else math.ceil(config.num_train_epochs * per_epoch)
    return Started(
        steps=steps,
        epochs=steps / per_epoch,
        rows=len(rows[0]),
        held_out_rows=len(rows[1]),
        trainable_parameters=trainable,
        parameters=parameters,
        check_every=int(config.eval_steps or 0) if config.do_eval else 0,
    )
