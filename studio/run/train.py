"""One training loop for every method: reads a run directory, trains with TRL, leaves events and an adapter.

This is the only file that hands the recipe's training options to TRL.
"""

from __future__ import annotations

import shutil
import time
import traceback
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from datasets import Dataset
from datasets.table import InMemoryTable
from trl import SFTConfig, SFTTrainer

from studio.data.example import Examples
from studio.data.tokens.encoded import Encoded, cut_at
from studio.data.wording import counted
from studio.errors import StudioError
from studio.home import Home
from studio.recipe.models import fetch, locate
from studio.run import owner
from studio.run.base import Precision, choose_precision, load_model
from studio.run.directory import Run
from studio.run.events import Decision, Ended, Event, EventWriter, Phase, Started, Warned
from studio.run.recorder import Recorder
from studio.run.steps import steps_of
from studio.run.study.caches import Cache, Entry
from studio.run.study.tokens import Encoding, encoded_rows
from studio.run.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from studio.recipe.recipe import Recipe, TrainingPart

NAMED_ROWS = 10  # row numbers that a warning lists before it only counts

RowsPart = Literal["train", "held_out"]


@dataclass(frozen=True)
class Base:
    """The loaded base model, with what else the trainer needs of it."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    precision: Precision


@dataclass(frozen=True)
class Rows:
    """The rows of one part as tokens, cut to the longest row; the cache keeps them as long as this lives."""

    encoded: Encoded
    entry: Entry | None = None


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
    if not len(train_rows.encoded):
        raise _nothing_left(train_rows.encoded, recipe.training.max_length)
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


def _nothing_left(encoded: Encoded, max_length: int) -> StudioError:
    if encoded.dropped:
        return StudioError(
            f"No training row is left: in every row the prompt alone fills the longest row ({max_length} tokens). "
            "Raise the longest row."
        )
    reasons = "; ".join(encoded.refused) or "there are none"
    return StudioError(
        f"No training row is left: {reasons:.300}. Choose other rows, or a base model whose chat template takes these."
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


def _encoded(run: Run, part: RowsPart, tokenizer: PreTrainedTokenizerBase, recipe: Recipe, events: EventWriter) -> Rows:
    training, cache = recipe.training, _cache(run, events)
    examples = run.examples(part)
    how = Encoding.of(recipe.data, tokenizer, training.max_length)
    known_as = run.source()["fingerprint"] if part == "train" else ""
    if part == "held_out" and len(examples) > _checked_rows(training):
        examples = _some(examples, training, events)
        cache = None  # a few rows, not worth a place of their own
    tokens = encoded_rows(examples, how, cache, known_as)
    if tokens.known and part == "train":
        reason = f"the {counted(len(examples), 'row')} were read with this tokenizer and template before"
        events.write(Decision(choice="rows already tokenised", reason=reason))
    encoded = cut_at(tokens.encoded, training.max_length)
    for event in _losses_of_rows(encoded, part.replace("_", "-"), training.max_length):
        events.write(event)
    return Rows(encoded, tokens.entry)


def _cache(run: Run, events: EventWriter) -> Cache | None:
    """The cache of the home that the run is in; None for a run that stands alone."""
    home = Home(run.path.parent.parent)
    if not home.cache.is_dir():
        return None
    return Cache(home.cache, warn=lambda message: events.write(Warned(message=message)))


def _checked_rows(training: TrainingPart) -> int:
    """How many held-out rows the loss is measured on while training."""
    return training.evaluation_rows if training.evaluations else 0


def _some(examples: Examples, training: TrainingPart, events: EventWriter) -> Examples:
    chosen = _checked_rows(training)
    if chosen:
        reason = f"{len(examples)} are held out; scoring after the run takes them all"
        events.write(Decision(choice=f"held-out loss on the first {chosen} rows", reason=reason))
    return examples[:chosen]


def _losses_of_rows(encoded: Encoded, part: str, max_length: int) -> list[Event]:
    events: list[Event] = []
    for reason, rows in encoded.refused.items():
        events.append(Warned(message=f"{_named(rows)} of the {part} part left out: {reason}."))
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
    return [*events, *(Warned(message=note) for note in encoded.notes if part == "train")]


def _named(rows: list[int]) -> str:
    some = ", ".join(str(row) for row in rows[:NAMED_ROWS])
    more = f" and {len(rows) - NAMED_ROWS} more" if len(rows) > NAMED_ROWS else ""
    return f"{len(rows)} row{'s' if len(rows) > 1 else ''} ({some}{more})"


def _dataset(rows: Rows) -> Dataset:
    """The rows for the trainer, over their Arrow columns. Its name is drawn: one by content would read them all."""
    return Dataset(InMemoryTable(rows.encoded.for_trainer()), fingerprint=uuid.uuid4().hex)


def _trainer(run: Run, recipe: Recipe, base: Base, rows: tuple[Rows, Rows], recorder: Recorder) -> SFTTrainer:
    train_rows, held_out_rows = rows
    trainer = SFTTrainer(
        model=base.model,
        args=sft_config(
            recipe, base.precision, run.path / "checkpoints", len(train_rows.encoded), len(held_out_rows.encoded)
        ),
        train_dataset=_dataset(train_rows),
        eval_dataset=_dataset(held_out_rows) if len(held_out_rows.encoded) else None,
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


def sft_config(recipe: Recipe, precision: Precision, folder: Path, rows: int, held_out_rows: int) -> SFTConfig:
    """TRL's configuration for a recipe over `rows` training rows."""
    t = recipe.training
    evaluates = t.evaluations > 0 and held_out_rows > 0
    options: dict[str, Any] = {}
    if evaluates:
        options = {"eval_strategy": "steps", "eval_steps": max(1, round(steps_of(t, rows) / t.evaluations))}
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


def _started(trainer: SFTTrainer, train_rows: Rows, held_out_rows: Rows) -> Started:
    tuned: Any = trainer.model
    trainable, parameters = tuned.get_nb_trainable_parameters()
    config = trainer.args
    batches = len(trainer.get_train_dataloader())
    per_epoch = max(1, -(-batches // config.gradient_accumulation_steps))
    steps = config.max_steps if config.max_steps > 0 else -(-config.num_train_epochs * per_epoch // 1)
    return Started(
        steps=int(steps),
        epochs=steps / per_epoch,
        rows=len(train_rows.encoded),
        held_out_rows=len(held_out_rows.encoded),
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
