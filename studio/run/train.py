"""One training loop for every method: reads a run directory, trains with TRL, leaves events and an adapter.

This is the only file that hands the recipe's training options to TRL.
"""

from __future__ import annotations

import shutil
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from studio.data.encode import Encoded, encode
from studio.errors import StudioError
from studio.recipe.models import fetch, locate
from studio.run import owner
from studio.run.base import Precision, choose_precision, load_model
from studio.run.directory import Run
from studio.run.events import Decision, Ended, Event, EventWriter, Phase, Started, Warned
from studio.run.recorder import Recorder
from studio.run.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from studio.recipe.recipe import Recipe

NAMED_ROWS = 10  # row numbers that a warning lists before it only counts


@dataclass(frozen=True)
class Base:
    """The loaded base model, with what else the trainer needs of it."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    precision: Precision


def train(run: Run) -> None:
    """Do the whole run. How it ended is the last event; no exception of the training leaves this function.

    Raises:
        StudioError: the run was already started by another process.
    """
    owner.claim(run.owner_path)
    began = time.monotonic()
    with EventWriter(run.events_path) as events:
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
    base = _load_base(recipe, events)
    if run.asked_to_stop():
        return Ended(kind="stopped", message="Stopped before the first step; nothing was learned yet.")
    events.write(Phase(phase="preparing"))
    train_rows = _encoded(run, "train", base.tokenizer, recipe, events)
    held_out_rows = _encoded(run, "held_out", base.tokenizer, recipe, events)
    if not train_rows.input_ids:
        raise StudioError(
            f"No training row is left: in every row the prompt alone fills the longest row "
            f"({recipe.training.max_length} tokens). Raise the longest row."
        )
    recorder = Recorder(run, events)
    trainer = _trainer(run, recipe, base, (train_rows, held_out_rows), recorder)
    events.write(_started(trainer, train_rows, held_out_rows))
    events.write(Phase(phase="training"))
    trainer.train()
    step = trainer.state.global_step
    poisoned_at = recorder.poisoned_at if _all_numbers(trainer.model) else recorder.poisoned_at or step
    if poisoned_at is not None:
        raise StudioError(
            f"The loss was no longer a number at step {poisoned_at}, so training ended there. "
            "Lower the learning rate to a third of what you set, or switch gradient clipping on."
        )
    events.write(Phase(phase="saving", step=step))
    save_adapter(run, trainer.model, base.tokenizer)
    was_stopped = run.asked_to_stop() and step < trainer.state.max_steps
    return Ended(
        kind="stopped" if was_stopped else "finished",
        message=f"Stopped at step {step} of {trainer.state.max_steps}; what was learned is kept."
        if was_stopped
        else "",
        folder="adapter",
        step=step,
    )


def _all_numbers(model: Any) -> bool:
    """Whether the trained weights are numbers: the last step can spoil them after its loss was measured."""
    return all(bool(weight.isfinite().all()) for weight in model.parameters() if weight.requires_grad)


def _load_base(recipe: Recipe, events: EventWriter) -> Base:
    events.write(Phase(phase="loading"))
    folder = fetch(locate(recipe.model.id))
    precision = choose_precision(recipe.training.precision)
    events.write(Decision(choice=f"precision {precision.autocast or 'float32'}", reason=precision.reason))
    tokenizer, decisions = load_tokenizer(folder)
    for choice, reason in decisions:
        events.write(Decision(choice=choice, reason=reason))
    model = load_model(folder, precision, recipe.method.quantization(precision.compute))
    return Base(model, tokenizer, precision)


def _encoded(run: Run, part: str, tokenizer: PreTrainedTokenizerBase, recipe: Recipe, events: EventWriter) -> Encoded:
    pairs = run.examples(part)
    if part == "held_out":
        if recipe.training.evaluations == 0:
            pairs = pairs[:0]
        elif len(pairs) > recipe.training.evaluation_rows:
            chosen = recipe.training.evaluation_rows
            reason = f"{len(pairs)} are held out; scoring after the run takes them all"
            events.write(Decision(choice=f"held-out loss on the first {chosen} rows", reason=reason))
            pairs = pairs[:chosen]
    encoded = encode(pairs, tokenizer, recipe.training.max_length)
    for event in _losses_of_rows(encoded, part.replace("_", "-"), recipe.training.max_length):
        events.write(event)
    return encoded


def _losses_of_rows(encoded: Encoded, part: str, max_length: int) -> list[Event]:
    events: list[Event] = []
    if encoded.cut:
        events.append(
            Warned(
                message=f"{_named(encoded.cut)} of the {part} part cut at {max_length} tokens: raise the longest row."
            )
        )
    if encoded.dropped:
        events.append(
            Warned(
                message=f"{_named(encoded.dropped)} of the {part} part left out: the prompt alone fills {max_length} "
                "tokens. Raise the longest row."
            )
        )
    return events


def _named(rows: list[int]) -> str:
    some = ", ".join(str(row) for row in rows[:NAMED_ROWS])
    more = f" and {len(rows) - NAMED_ROWS} more" if len(rows) > NAMED_ROWS else ""
    return f"{len(rows)} row{'s' if len(rows) > 1 else ''} ({some}{more})"


def _dataset(encoded: Encoded) -> Dataset:
    return Dataset.from_dict({"input_ids": encoded.input_ids, "labels": encoded.labels})


def _trainer(run: Run, recipe: Recipe, base: Base, rows: tuple[Encoded, Encoded], recorder: Recorder) -> SFTTrainer:
    train_rows, held_out_rows = rows
    trainer = SFTTrainer(
        model=base.model,
        args=sft_config(
            recipe, base.precision, run.path / "checkpoints", len(train_rows.rows), len(held_out_rows.rows)
        ),
        train_dataset=_dataset(train_rows),
        eval_dataset=_dataset(held_out_rows) if held_out_rows.rows else None,
        processing_class=base.tokenizer,
        peft_config=recipe.method.peft_config(),
        callbacks=[recorder],
    )
    if base.precision.autocast == "fp16":
        tuned: Any = trainer.model
        for parameter in tuned.parameters():
            if parameter.requires_grad:  # the gradient scaler wants trained weights in float32
                parameter.data = parameter.data.float()
    return trainer


def steps_of(recipe: Recipe, rows: int) -> int:
    """How many optimiser steps the recipe takes over `rows` training rows, as the trainer counts them."""
    t = recipe.training
    if t.max_steps:
        return t.max_steps
    batches = -(-rows // t.batch_size)
    return max(1, -(-int(t.epochs * 1000 * max(1, -(-batches // t.gradient_accumulation))) // 1000))


def sft_config(recipe: Recipe, precision: Precision, folder: Path, rows: int, held_out_rows: int) -> SFTConfig:
    """TRL's configuration for a recipe over `rows` training rows."""
    t = recipe.training
    evaluates = t.evaluations > 0 and held_out_rows > 0
    options: dict[str, Any] = {}
    if evaluates:
        options = {"eval_strategy": "steps", "eval_steps": max(1, round(steps_of(recipe, rows) / t.evaluations))}
    return SFTConfig(
        output_dir=str(folder),
        learning_rate=t.learning_rate,
        num_train_epochs=t.epochs,
        max_steps=t.max_steps or -1,
        per_device_train_batch_size=t.batch_size,
        per_device_eval_batch_size=t.batch_size,
        gradient_accumulation_steps=t.gradient_accumulation,
        warmup_steps=t.warmup,
        lr_scheduler_type=t.schedule,
        max_length=t.max_length,
        weight_decay=t.weight_decay,
        max_grad_norm=t.max_grad_norm,
        seed=t.seed,
        bf16=precision.autocast == "bf16",
        fp16=precision.autocast == "fp16",
        gradient_checkpointing=t.gradient_checkpointing,
        eval_on_start=evaluates,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=torch.cuda.is_available(),
        dataset_kwargs={"skip_prepare_dataset": True},
        **options,
    )


def _started(trainer: SFTTrainer, train_rows: Encoded, held_out_rows: Encoded) -> Started:
    tuned: Any = trainer.model
    trainable, parameters = tuned.get_nb_trainable_parameters()
    config = trainer.args
    batches = len(trainer.get_train_dataloader())
    per_epoch = max(1, -(-batches // config.gradient_accumulation_steps))
    steps = config.max_steps if config.max_steps > 0 else -(-config.num_train_epochs * per_epoch // 1)
    return Started(
        steps=int(steps),
        epochs=steps / per_epoch,
        rows=len(train_rows.rows),
        held_out_rows=len(held_out_rows.rows),
        trainable_parameters=trainable,
        parameters=parameters,
    )


def save_adapter(run: Run, model: Any, tokenizer: PreTrainedTokenizerBase) -> None:
    """Save adapter, tokenizer and recipe as `adapter/`: written elsewhere, renamed when whole."""
    draft = run.path / "adapter.partial"
    shutil.rmtree(draft, ignore_errors=True)
    model.save_pretrained(draft, safe_serialization=True)
    tokenizer.save_pretrained(draft)
    shutil.copy(run.path / "recipe.yaml", draft)
    draft.rename(run.adapter)
