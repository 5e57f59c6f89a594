"""Training a language model on rows whose completions, answers or whole texts are learned, with TRL's SFT trainer."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets import Dataset
from datasets.table import InMemoryTable
from trl import SFTConfig, SFTTrainer

from studio.data.example import Examples
from studio.data.tokens.encoded import Encoded, cut_at
from studio.data.wording import counted
from studio.errors import StudioError
from studio.home import Home
from studio.run.base import Precision, load_model
from studio.run.checkpoints import Saves
from studio.run.directory import Run
from studio.run.events import Decision, Event, EventWriter, Warned
from studio.run.study.caches import Cache
from studio.run.study.tokens import Encoding, encoded_rows
from studio.run.tasks.runner import Rows, RowsPart, TaskRunner

if TYPE_CHECKING:
    from transformers import BitsAndBytesConfig, PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback

    from studio.recipe.recipe import TrainingPart
    from studio.run.tune import Tuned

NAMED_ROWS = 10  # row numbers that a warning lists before it only counts


class Tuner(Saves, SFTTrainer):  # type: ignore[misc]
    """TRL's trainer with the studio's checkpoints."""


class LanguageModelingRunner(TaskRunner):
    """Supervised fine-tuning and continued pretraining of a causal language model."""

    def load(self, folder: Path, precision: Precision, quantization: BitsAndBytesConfig | None) -> PreTrainedModel:
        return load_model(folder, precision, quantization)

    def rows(self, run: Run, part: RowsPart, tokenizer: PreTrainedTokenizerBase, events: EventWriter) -> Rows:
        recipe = self.recipe
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
        if part == "train" and not len(encoded):
            raise _nothing_left(encoded, training.max_length)
        return Rows(_dataset(encoded), tokens.entry)

    def trainer(
        self,
        model: Tuned,
        tokenizer: PreTrainedTokenizerBase,
        arguments: dict[str, Any],
        rows: tuple[Rows, Rows],
        callbacks: list[TrainerCallback],
    ) -> Tuner:
        train_rows, held_out_rows = rows
        return Tuner(
            model=model,
            args=sft_config(self.recipe.training, arguments),
            train_dataset=train_rows.dataset,
            eval_dataset=held_out_rows.dataset if len(held_out_rows) else None,
            processing_class=tokenizer,
            callbacks=callbacks,
            method=self.recipe.method,
        )


def sft_config(training: TrainingPart, arguments: dict[str, Any]) -> SFTConfig:
    """TRL's configuration: the common arguments and what only its trainer knows."""
    return SFTConfig(max_length=training.max_length, dataset_kwargs={"skip_prepare_dataset": True}, **arguments)


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


def _dataset(encoded: Encoded) -> Dataset:
    """The rows for the trainer, over their Arrow columns. Its name is drawn: one by content would read them all."""
    return Dataset(InMemoryTable(encoded.for_trainer()), fingerprint=uuid.uuid4().hex)
