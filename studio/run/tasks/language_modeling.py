"""Training a language model on rows whose completions, answers or whole texts are learned, with TRL's SFT trainer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from trl import SFTConfig, SFTTrainer

from studio.data.tokens.encoded import cut_at
from studio.data.wording import counted
from studio.home import Home
from studio.run.base import Precision, load_model
from studio.run.checkpoints import Saves
from studio.run.directory import Run
from studio.run.events import Decision, EventWriter, Warned
from studio.run.packing import packed
from studio.run.phases import Telling
from studio.run.row_losses.places import places_of, with_places
from studio.run.study.caches import Cache
from studio.run.study.tokens import Encoding, encoded_rows
from studio.run.tasks.lost_rows import checked, checked_rows, nothing_left, tell_of_lost
from studio.run.tasks.runner import Rows, RowsPart, TaskRunner, dataset_of

if TYPE_CHECKING:
    from transformers import BitsAndBytesConfig, PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback

    from studio.recipe.recipe import TrainingPart
    from studio.run.tune import Tuned


class Tuner(Saves, SFTTrainer):  # type: ignore[misc]
    """TRL's trainer with the studio's checkpoints."""


class LanguageModelingRunner(TaskRunner):
    """Supervised fine-tuning and continued pretraining of a causal language model."""

    def load(self, folder: Path, precision: Precision, quantization: BitsAndBytesConfig | None) -> PreTrainedModel:
        self.refuse_unfit(folder)
        return load_model(folder, precision, quantization)

    def rows(self, run: Run, part: RowsPart, tokenizer: PreTrainedTokenizerBase, events: EventWriter) -> Rows:
        recipe = self.recipe
        training, cache = recipe.training, _cache(run, events)
        examples = run.examples(part)
        how = Encoding.of(recipe.data, tokenizer, training.max_length)
        known_as = run.source()["fingerprint"] if part == "train" else ""
        if part == "held_out" and len(examples) > checked_rows(training):
            examples = checked(examples, training, events)
            cache = None  # a few rows, not worth a place of their own
        tokens = encoded_rows(examples, how, cache, known_as, Telling(events, "preparing", run=run))
        if tokens.known and part == "train":
            reason = f"the {counted(len(examples), 'row')} were read with this tokenizer and template before"
            events.write(Decision(choice="rows already tokenised", reason=reason))
        encoded = cut_at(tokens.encoded, training.max_length)
        tell_of_lost(encoded, part, training.max_length, events)
        if part == "train" and not len(encoded):
            raise nothing_left(encoded, training.max_length)
        if part == "held_out":
            return Rows(dataset_of(encoded.for_trainer()), tokens.entry)
        dataset = dataset_of(with_places(encoded.for_trainer(), places_of(encoded, examples)))
        if training.packing:
            dataset = packed(dataset, training.max_length, events)
        return Rows(dataset, tokens.entry)

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
    return SFTConfig(
        max_length=training.max_length,
        packing=training.packing,
        loss_type=training.loss_type,
        dataset_kwargs={"skip_prepare_dataset": True},
        **arguments,
    )


def _cache(run: Run, events: EventWriter) -> Cache | None:
    """The cache of the home that the run is in; None for a run that stands alone."""
    home = Home(run.path.parent.parent)
    if not home.cache.is_dir():
        return None
    return Cache(home.cache, warn=lambda message: events.write(Warned(message=message)))
