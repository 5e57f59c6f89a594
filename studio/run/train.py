"""One training loop for every method and every task: reads a run directory, trains, leaves events and a result."""

from __future__ import annotations

import math
import time
import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch

from studio.recipe.methods.method import Situation
from studio.recipe.model_folder import widths
from studio.recipe.models import fetch, locate
from studio.recipe.optimizers import NEEDS_GPU
from studio.recipe.read import changed
from studio.run import owner
from studio.run.accelerated.ranks import agreed, first_on_this_machine, of_first, this_rank
from studio.run.accelerated.shards import whole_weights
from studio.run.accelerated.shared_run import Agreeing, SharedRun
from studio.run.arguments import training_arguments
from studio.run.base import Precision, attention_fallback, choose_precision
from studio.run.base_mark import refuse_other_base
from studio.run.begun_from import begins_with, begun_from
from studio.run.checkpoints import SaveAt, lacks_check, make_room
from studio.run.directory import Run, step_of
from studio.run.disk import Needs, needs_of, require_room
from studio.run.ending import cancelled, ended_as, ended_before, failed, paused
from studio.run.events import Branched, Decision, Ended, EventWriter, Metrics, Phase, Resumed, Started, Warned
from studio.run.guards import NotANumber, Watch, all_numbers
from studio.run.looks.looker import looker_of
from studio.run.newest import newest
from studio.run.packing import is_packed, keep_apart
from studio.run.phases import Telling, heed, heed_cancel
from studio.run.recorder import Recorder
from studio.run.result import save_result
from studio.run.retold import OnceTold
from studio.run.steps import evaluation_steps, steps_of
from studio.run.stopping import EarlyStopping, Heeds
from studio.run.study.tokens import Tell, untold
from studio.run.tasks.every import runner_of
from studio.run.tasks.runner import Rows, TaskRunner
from studio.run.tokenizer import load_tokenizer
from studio.run.tracking import place_tracker
from studio.run.trouble import Trouble
from studio.run.tune import counted, put_on
from studio.run.wish import Interrupted, Wish

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


@dataclass
class Place:
    """How far a run has come."""

    step: int


def train(run: Run) -> None:
    """Do the whole run. How it ended is the last event; no exception of the training leaves this function.

    Raises:
        StudioError: the run was already started by another process.
        OSError: the disk is so full that not even the end can be written.
    """
    owner.claim(run.owner_path)
    with OnceTold(run) as events:
        events.write(last_event(run, learn(run, events)))


def learn(run: Run, events: EventWriter) -> Ended:
    """Do the run, and return how it ended. No exception of the training leaves this function."""
    began, at = time.monotonic(), Place(_gone_on_from(run))
    try:
        ended = _train(run, events, at)
    except Interrupted as asked:
        ended = ended_before(asked.wish, at.step)
    except Exception as error:
        traceback.print_exc()  # the whole story for the log; one sentence for the page
        ended = failed(run, error, at.step)
    return ended.model_copy(update={"step": at.step, "seconds": time.monotonic() - began, "time": time.time()})


def last_event(run: Run, ended: Ended) -> Ended:
    """The last event of a run that ended so. Where it was cancelled, all that it learned is thrown away first."""
    if run.wish() is not Wish.CANCEL:
        return ended
    return cancelled(run, ended.step).model_copy(update={"seconds": ended.seconds})


def _train(run: Run, events: EventWriter, at: Place) -> Ended:
    recipe = run.recipe
    began_at = _checkpoint(run, events, at)
    runner = runner_of(recipe)
    runner.begin(run)
    base = load_base(recipe, runner, events, _decided(run), Telling(events, "loading", at.step, run))
    heed(run)
    events.write(Phase(phase="preparing", step=at.step))
    rows = (
        runner.rows(run, "train", base.tokenizer, events),
        runner.rows(run, "held_out", base.tokenizer, events),
    )
    heed(run)
    trainer: Any = build_trainer(run, runner, base, rows, Recorder(run, events))
    needs = needs_of(trainer.model, recipe, _tokenizer_bytes(base.folder))
    trainer.checkpoint_bytes = needs.checkpoint
    for warning in _warnings(recipe, require_room(run.path, needs)):
        events.write(warning)
    if is_packed(rows[0].dataset):
        keep_apart(trainer.model)
    heed(run)
    events.write(_started(trainer, rows))
    events.write(Phase(phase="training", step=at.step))
    _learn(trainer, began_at, events, at)
    wish, steps = run.wish(), trainer.state.max_steps
    if wish is not None and (not at.step or (wish is Wish.PAUSE and at.step < steps)):
        return paused(run, at.step, steps) if at.step else ended_before(wish, 0)
    return _result(run, trainer, base, needs, events)


def _checkpoint(run: Run, events: EventWriter, at: Place) -> Path | None:
    """The checkpoint to go on from; a run that was begun before never begins anew without a word.

    Raises:
        StudioError: there is none that is whole and of this very run, although there should be.
    """
    found = of_first(lambda: newest(run, events.write))
    if found is None and at.step:
        raise Trouble("checkpoint", f"The checkpoint of step {at.step:,} is gone. Start a new run from the recipe.")
    if found is not None and step_of(found) != at.step:
        at.step = step_of(found)
        events.write(Resumed(step=at.step))
    return found


def _learn(trainer: Any, began_at: Path | None, events: EventWriter, at: Place) -> None:
    """Train. `at` says how far it came, also where an error is raised."""
    if began_at:
        trainer.args.eval_on_start = lacks_check(began_at, trainer.args.eval_steps)
    trainer.state.global_step = at.step
    try:
        trainer.train(resume_from_checkpoint=str(began_at) if began_at else None)
        if not all_numbers(trainer.model):
            step, where = trainer.state.global_step, "a trained weight"
            raise NotANumber(step, trainer.state.epoch or 0.0, where, {})
    except NotANumber as error:
        if error.values:
            events.write(Metrics(step=error.step, values=error.values))
        trainer.keep_last_good()
        raise
    finally:
        at.step = trainer.state.global_step


def _result(run: Run, trainer: Any, base: Base, needs: Needs, events: EventWriter) -> Ended:
    """Save what came out, and say how it ended."""
    step = trainer.state.global_step
    heed_cancel(run)
    whole = whole_weights(trainer)
    if not this_rank().first:
        return Ended(kind="finished")
    events.write(Phase(phase="saving", step=step))
    if thrown := make_room(run, needs.result):
        events.write(Warned(step=step, cause="disk", message=thrown))
    folder = save_result(run, trainer.model, run.recipe.method, base.tokenizer, whole)
    ended, decisions = ended_as(trainer, trainer.callback_handler.callbacks, run.asked_to_stop())
    for decision in decisions:
        events.write(decision)
    return ended.model_copy(update={"folder": folder})


def _gone_on_from(run: Run) -> int:
    """The step after which the run is to go on; 0 where it begins."""
    steps = [event.step for event in run.events()[0] if isinstance(event, Resumed | Branched)]
    return steps[-1] if steps else 0


def _tokenizer_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*token*") if path.is_file())


def _warnings(recipe: Recipe, of_disk: str) -> list[Warned]:
    """What the recipe asks for that this machine does not have."""
    optimizer = recipe.training.optimizer
    plain = optimizer.removeprefix("paged-")
    found = [Warned(cause="disk", message=of_disk)] if of_disk else []
    if optimizer in NEEDS_GPU and not torch.cuda.is_available():
        found.append(Warned(message=f"Without a GPU nothing is paged: {optimizer} does what {plain} does."))
    return found


def load_base(recipe: Recipe, runner: TaskRunner, events: EventWriter, decided: str = "", tell: Tell = untold) -> Base:
    """The base of a recipe as its task wants it. `decided` is the precision that a resumed run began with; `tell` hears
    how much of a download is there.

    Raises:
        StudioError: it cannot be fetched or loaded.
    """
    events.write(Phase(phase="loading"))
    tell("", 0, 0)
    with first_on_this_machine():
        folder = fetch(locate(recipe.model.id), lambda done, of: tell("", done, of))
    tell("", 0, 0)
    if decided:  # a second probe might find another, and then the losses would differ
        precision = agreed(precision_of(changed(recipe, {"training.precision": decided})))
    else:
        precision = agreed(precision_of(recipe, folder))
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
    if kept := begun_from(run):
        refuse_other_base(kept, base.folder, begins_with(recipe), recipe.model.id)
    model = put_on(base.model, recipe, situation, runner.new_modules, kept)
    place_tracker(run, recipe)
    arguments = training_arguments(recipe, base.precision, run.path / "checkpoints", *counts)
    looker = looker_of(run, base.tokenizer, recorder.events, evaluation_steps(recipe.training, counts[0]))
    watch = Watch(recorder.events, recipe.training.smallest_improvement, recipe.training.early_stopping > 0)
    callbacks = [*callbacks_of(run, recipe), watch, *looker, recorder]  # a look is no part of a step's time
    trainer: Any = runner.trainer(model, base.tokenizer, arguments, rows, callbacks)
    trainer.run, trainer.tell = run, recorder.events.write
    if base.precision.autocast == "fp16":
        for parameter in trainer.model.parameters():
            if parameter.requires_grad:  # the gradient scaler wants trained weights in float32
                parameter.data = parameter.data.float()
    return cast("Trainer", trainer)


def callbacks_of(run: Run, recipe: Recipe) -> list[TrainerCallback]:
    """What the method, early stopping, the recipe's checkpoints and a person's wish do at moments of the training."""
    training = recipe.training
    patience, smallest = training.early_stopping, training.smallest_improvement
    stopping = [EarlyStopping(patience, smallest)] if patience else []
    small = recipe.method.keeps == "adapter"
    saving = SaveAt(training.save_steps, at_end=small or training.save_steps > 0)
    agreeing = [Agreeing(run)] if isinstance(run, SharedRun) else []
    return [*agreeing, *recipe.method.callbacks(), *stopping, saving, Heeds(run)]


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
