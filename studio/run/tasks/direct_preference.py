"""Training on preferences: which of two answers is the better one, with TRL's DPO trainer.

The reward of an answer is beta times how much likelier the model finds it than the reference does (Rafailov et al.
2023, arXiv 2305.18290, section 4). The reference is the model as the run begins. It never changes, so what it finds of
each row is worked out once, before the first step, and no second model is held.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import torch
from torch.utils.data import DataLoader
from trl import DPOConfig, DPOTrainer

from studio.data.example import Examples
from studio.data.tokens.encoded import IDS, Encoded, cut_at
from studio.errors import StudioError
from studio.recipe.tasks import DirectPreference
from studio.run.base import Precision, load_model
from studio.run.checkpoints import Saves
from studio.run.directory import Run
from studio.run.events import Decision, EventWriter
from studio.run.phases import Telling
from studio.run.row_losses.places import PLACE, by_place, named_as_in, with_places
from studio.run.study.tokens import Encoding, Tell, encoded_rows, untold
from studio.run.tasks.lost_rows import checked, nothing_left, tell_of_lost
from studio.run.tasks.runner import Rows, RowsPart, TaskRunner, dataset_of

if TYPE_CHECKING:
    from transformers import BitsAndBytesConfig, PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback

    from studio.recipe.recipe import Recipe
    from studio.run.tune import Tuned

TIE = 1e-4  # nats: a difference that comes of rounding alone


class NoReference(torch.nn.Module):
    """Stands where TRL wants a reference model, so that it neither loads one nor copies the adapter."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config


class PreferenceTrainer(Saves, DPOTrainer):  # type: ignore[misc]
    """TRL's trainer with the studio's checkpoints, and a reference that is worked out before the first step.

    `starts_apart` says that the adapter changes what the model says before it has learned anything, as soft prompts do:
    the reference is then the model without it.
    """

    def __init__(
        self,
        *arguments: Any,
        starts_apart: bool = False,
        told: Callable[[str, int, int], None] = lambda what, done, of: None,
        **options: Any,
    ) -> None:
        self._starts_apart = starts_apart
        self._told = told
        self._pairs: list[int] = []
        super().__init__(*arguments, ref_model=NoReference(options["model"].config), **options)
        self.ref_model = None

    def _prepare_dataset(self, dataset: Any, tokenizer: Any, args: Any, name: str) -> Any:
        """Rows of tokens as they are, with the length of the longer answer, by which rows may be grouped."""
        if "prompt_ids" not in dataset.column_names:
            dataset = super()._prepare_dataset(dataset, tokenizer, args, name)
        whole = [len(row["prompt_ids"]) + max(len(row["chosen_ids"]), len(row["rejected_ids"])) for row in dataset]
        return dataset.add_column("length", [min(length, args.max_length) for length in whole])

    def _precompute_ref_logps(self, dataset: Any, name: str, batch_size: int) -> Any:
        """How likely the reference finds the two answers of each row, as columns. TRL passes them from process to
        process through a file, which they would have to have in common."""
        columns = ("ref_chosen_logps", "ref_rejected_logps")
        if columns[0] in dataset.column_names:
            return dataset
        batches = self.accelerator.prepare(DataLoader(dataset, batch_size, collate_fn=self.data_collator))
        found: tuple[list[float], ...] = ([], [])
        for done, batch in enumerate(batches):
            self._told("The reference", done, len(batches))
            both = self.accelerator.gather_for_metrics(self.compute_ref_log_probs(self.model, batch))
            for side, logs in zip(found, both, strict=True):
                side.extend(logs.tolist())
        for column, side in zip(columns, found, strict=True):
            dataset = dataset.add_column(column, side)
        return dataset

    def compute_ref_log_probs(self, model: Any, inputs: dict[str, Any]) -> Any:
        """How likely the reference finds the two answers of each row of a batch, in nats."""
        was_training, placeholder = model.training, self.ref_model
        model.eval()
        if self._starts_apart:
            self.ref_model = None  # by which TRL knows to switch the adapter off
        try:
            return super().compute_ref_log_probs(model, inputs)  # type: ignore[no-untyped-call]
        finally:
            self.ref_model = placeholder
            model.train(was_training)

    def _compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool) -> Any:
        """The loss of a batch. Where the model is still its own reference it prefers neither answer: that is chance."""
        loss = super()._compute_loss(model, inputs, return_outputs)  # type: ignore[no-untyped-call]
        found = self._metrics["train" if self.model.training else "eval"]
        rewards = [found[f"rewards/{name}"][-1] for name in ("chosen", "rejected", "margins")]
        if max(map(abs, rewards)) < TIE * self.beta:
            found["rewards/accuracies"][-1] = 0.5
        return loss

    def prediction_step(self, model: Any, inputs: dict[str, Any], *arguments: Any, **options: Any) -> Any:
        """One batch of a held-out check."""
        self._pairs.append(len(inputs["input_ids"]) // 2)
        return super().prediction_step(model, inputs, *arguments, **options)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """What is measured. Of a held-out check every pair counts alike, also where the last batch is a small one."""
        if not self.model.training:
            for values in self._metrics["eval"].values():
                if len(values) == len(self._pairs):
                    values[:] = [float(np.average(values, weights=self._pairs))]
            self._pairs.clear()
        super().log(logs, start_time)


class DirectPreferenceRunner(TaskRunner):
    """Direct preference optimisation of a causal language model."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        self._tell: Tell = untold

    def begin(self, run: Run) -> None:
        """Raises StudioError where the rows have no worse answers."""
        if not run.examples("train").has("rejected"):
            raise StudioError(
                "Preferences are learned from a better and a worse answer to each prompt, but these rows have no worse "
                "answer. Choose rows with columns prompt, chosen and rejected, or set the task to language modeling."
            )

    def load(self, folder: Path, precision: Precision, quantization: BitsAndBytesConfig | None) -> PreTrainedModel:
        self.refuse_unfit(folder)
        return load_model(folder, precision, quantization)

    def rows(self, run: Run, part: RowsPart, tokenizer: PreTrainedTokenizerBase, events: EventWriter) -> Rows:
        training = self.recipe.training
        self._tell = Telling(events, "preparing", run=run)
        examples = run.examples(part)
        if part == "held_out":
            examples = checked(examples, training, events)
        elif getattr(self.recipe.method, "dropout", 0):
            reason = "an answer and its reference are compared, and chance is to have no part in that"
            events.write(Decision(choice="no dropout", reason=reason))
        how = Encoding(tokenizer, "last answer", None)
        sides = []
        for side in (examples, with_worse_answers(examples)):
            encoded = cut_at(encoded_rows(by_place(side), how, tell=self._tell).encoded, training.max_length)
            tell_of_lost(named_as_in(encoded, examples), part, training.max_length, events)
            sides.append(encoded)
        table = paired(*sides)
        if part == "train" and not table.num_rows:
            raise nothing_left(sides[0] if not len(sides[0]) else sides[1], training.max_length)
        return Rows(dataset_of(table if part == "train" else table.drop_columns([PLACE])))

    def trainer(
        self,
        model: Tuned,
        tokenizer: PreTrainedTokenizerBase,
        arguments: dict[str, Any],
        rows: tuple[Rows, Rows],
        callbacks: list[TrainerCallback],
    ) -> PreferenceTrainer:
        train_rows, held_out_rows = rows
        return PreferenceTrainer(
            model=model,
            args=dpo_config(self.recipe, arguments),
            train_dataset=train_rows.dataset,
            eval_dataset=held_out_rows.dataset if len(held_out_rows) else None,
            processing_class=tokenizer,
            callbacks=callbacks,
            method=self.recipe.method,
            starts_apart=self.recipe.method.family == "Soft prompts",
            told=self._tell,
        )


def dpo_config(recipe: Recipe, arguments: dict[str, Any]) -> DPOConfig:
    """TRL's configuration: the common arguments, and what the task says."""
    task = recipe.task
    assert isinstance(task, DirectPreference)
    return DPOConfig(
        loss_type=[task.loss, "sft"] if task.sft_share else [task.loss],
        loss_weights=[1.0, task.sft_share] if task.sft_share else None,
        beta=task.beta,
        label_smoothing=task.wrong_share if task.loss == "robust" else 0.0,
        max_length=recipe.training.max_length,
        precompute_ref_log_probs=True,
        remove_unused_columns=False,
        **arguments,
    )


def with_worse_answers(examples: Examples) -> Examples:
    """The same rows with the worse answer where the better one was."""
    worse = examples.column("rejected")
    if not examples.has("messages"):
        return examples.replaced(completion=worse)
    both = zip(examples.column("messages").to_pylist(), worse.to_pylist(), strict=True)
    return examples.replaced(completion=worse, messages=[_ending(messages, answer) for messages, answer in both])


def paired(better: Encoded, worse: Encoded) -> pa.Table:
    """Columns `prompt_ids`, `chosen_ids` and `rejected_ids` of the rows that both sides have, and their places. As in
    TRL an answer begins where either parts from the prompt."""
    other = {row: at for at, row in enumerate(worse.rows)}
    found: tuple[list[list[int]], ...] = ([], [], [])
    places: list[int] = []
    for row, chosen, start in zip(better.rows, better.input_ids, better.prompts, strict=True):
        if (at := other.get(row)) is None:
            continue
        places.append(row)
        rejected = worse.input_ids[at]
        prompt = int(min(start, worse.prompts[at]))
        for column, ids in zip(found, (chosen[:prompt], chosen[prompt:], rejected[prompt:]), strict=True):
            column.append(ids)
    names = ("prompt_ids", "chosen_ids", "rejected_ids")
    table = pa.table({name: pa.array(ids, IDS) for name, ids in zip(names, found, strict=True)})
    return with_places(table, np.array(places, np.int32))


def _ending(messages: str, answer: str) -> str:
    """A conversation with another last answer; empty where there is none."""
    if not messages:
        return ""
    spoken = json.loads(messages)
    last = max(place for place, each in enumerate(spoken) if each["role"] == "assistant")
    return json.dumps([*spoken[:last], {"role": "assistant", "content": answer}])
