"""Training a decoder or an encoder to name the class of a text: a new head on the base, learned with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
import torch
from transformers import AutoModelForSequenceClassification, DataCollatorWithPadding, Trainer, TrainingArguments

from studio.data.example import Examples, asked_text
from studio.data.wording import listed, quoted
from studio.errors import StudioError
from studio.recipe.model_folder import read_config
from studio.recipe.tasks import SequenceClassification
from studio.run.base import Precision, load_with_head
from studio.run.checkpoints import Saves
from studio.run.directory import Run
from studio.run.events import Decision, EventWriter, Warned
from studio.run.phases import Telling
from studio.run.row_losses.places import by_place, named_as_in, with_places
from studio.run.tasks.class_scores import class_scores
from studio.run.tasks.lost_rows import checked, named, nothing_left, tell_of_lost
from studio.run.tasks.runner import Rows, RowsPart, TaskRunner, dataset_of
from studio.run.tasks.texts import encode_texts
from studio.run.tasks.token_count import CountsTokens
from studio.run.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from transformers import (
        BitsAndBytesConfig,
        EvalPrediction,
        PreTrainedModel,
        PreTrainedTokenizerBase,
        TrainerCallback,
    )

    from studio.run.tune import Tuned

SHOWN_CLASSES = 10
HEAD_SPREAD = 0.02  # standard deviation of a new head's first weights, where the base does not say its own


class ClassTrainer(CountsTokens, Saves, Trainer):  # type: ignore[misc]
    """transformers' trainer with the studio's checkpoints, and a weight for each class in the loss."""

    loss_is_scaled_for_ga = False  # the loss below is the mean of a batch

    def __init__(self, *arguments: Any, class_weights: torch.Tensor | None, **options: Any) -> None:
        self.class_weights = class_weights
        super().__init__(*arguments, **options)

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Cross-entropy, its mean over the rows; a row of a rare class may count for more."""
        labels = inputs["labels"]
        outputs = model(**{name: value for name, value in inputs.items() if name != "labels"})
        weights = None if self.class_weights is None else self.class_weights.to(outputs.logits.device)
        loss = torch.nn.functional.cross_entropy(
            outputs.logits.float(),
            labels,
            weight=weights,
            reduction="sum",
            label_smoothing=self.args.label_smoothing_factor if model.training else 0.0,
        ) / len(labels)
        return (loss, outputs) if return_outputs else loss


class SequenceClassificationRunner(TaskRunner):
    """The classes are the completions of the training rows, the texts their prompts."""

    speaks: ClassVar[bool] = False
    labels: tuple[str, ...] = ()
    """The classes in the order of the head's outputs; known from `begin` on, or from a folder that has a head."""

    def begin(self, run: Run) -> None:
        task = self.recipe.task
        assert isinstance(task, SequenceClassification)
        self.labels = classes_of(run.examples("train"), task.most_classes)

    def load(self, folder: Path, precision: Precision, quantization: BitsAndBytesConfig | None) -> PreTrainedModel:
        """The base with a head for the run's classes; one that the folder has for the very same classes is kept.

        Before `begin` only a folder that has a head can be loaded.
        """
        self.refuse_unfit(folder)
        saved = saved_classes(folder)
        if not self.labels or set(self.labels) == set(saved):
            self.labels = saved
        if not self.labels:
            raise StudioError(f"The model in {folder} has no classification head yet. Choose the result of a run.")
        model, new = load_with_head(
            folder,
            precision,
            quantization,
            AutoModelForSequenceClassification,
            id2label=dict(enumerate(self.labels)),
            label2id={label: number for number, label in enumerate(self.labels)},
            problem_type="single_label_classification",
        )
        if saved and saved != self.labels:  # a head for other classes, even where there are as many
            new = tuple(sorted({*new, *_head(model)}))
        self.new_modules = new
        for place, name in enumerate(new):
            _begin_anew(model.get_submodule(name), model, self.recipe.training.seed + place)
        model.config.pad_token_id = load_tokenizer(folder, self.speaks)[0].pad_token_id
        return model

    def rows(self, run: Run, part: RowsPart, tokenizer: PreTrainedTokenizerBase, events: EventWriter) -> Rows:
        if not self.labels:
            self.begin(run)
        training = self.recipe.training
        examples = run.examples(part)
        if part == "train":
            shown = listed([quoted(label) for label in self.labels], SHOWN_CLASSES)
            events.write(Decision(choice=f"{len(self.labels)} classes: {shown}", reason="the training rows have these"))
        else:
            examples = self._without_unseen(checked(examples, training, events), events)
        columns = _columns(by_place(examples))
        texts = [(place, asked_text(*said)) for place, *said in columns]
        encoded = encode_texts(texts, tokenizer, training.max_length, Telling(events, "preparing", run=run))
        tell_of_lost(named_as_in(encoded, examples), part, training.max_length, events)
        if part == "train" and not len(encoded):
            raise nothing_left(encoded, training.max_length)
        number_of = {label: number for number, label in enumerate(self.labels)}
        class_of = [number_of[completion.strip()] for _, _, completion, _ in columns]
        labels = pa.array([class_of[place] for place in encoded.rows], pa.int64())
        table = encoded.table.select(["input_ids"]).append_column("labels", labels)
        return Rows(dataset_of(with_places(table, encoded.table["row"].to_numpy()) if part == "train" else table))

    def trainer(
        self,
        model: Tuned,
        tokenizer: PreTrainedTokenizerBase,
        arguments: dict[str, Any],
        rows: tuple[Rows, Rows],
        callbacks: list[TrainerCallback],
    ) -> ClassTrainer:
        train_rows, held_out_rows = rows
        task = self.recipe.task
        assert isinstance(task, SequenceClassification)
        return ClassTrainer(
            model=model,
            args=TrainingArguments(**arguments, label_names=["labels"]),
            train_dataset=train_rows.dataset,
            eval_dataset=held_out_rows.dataset if len(held_out_rows) else None,
            processing_class=tokenizer,
            data_collator=DataCollatorWithPadding(tokenizer),
            callbacks=callbacks,
            compute_metrics=_scores,
            preprocess_logits_for_metrics=_named_class,
            method=self.recipe.method,
            class_weights=class_weights(train_rows.dataset["labels"], len(self.labels)) if task.balance else None,
        )

    def _without_unseen(self, examples: Examples, events: EventWriter) -> Examples:
        unseen = [row for row, _, completion, _ in _columns(examples) if completion.strip() not in self.labels]
        if unseen:
            events.write(
                Warned(
                    message=f"{named(unseen)} of the held-out part left out: their class is in no training row. "
                    "Split by label, so that every class is on both sides."
                )
            )
        return examples.without(unseen)


def classes_of(examples: Examples, most: int) -> tuple[str, ...]:
    """The classes of the training rows, sorted.

    Raises:
        StudioError: the rows have no class, all the same one, or too many for a set of classes.
    """
    if not any(prompt or messages for _, prompt, _, messages in _columns(examples)):
        raise StudioError(
            "Classification needs a text and its class in each row, but these rows are plain text. "
            "Name the column of the text as the prompt column and that of the class as the completion column."
        )
    classes = sorted({completion.strip() for _, _, completion, _ in _columns(examples)})
    if len(classes) < 2:
        raise StudioError(
            f"All training rows are of one class ({quoted(classes[0])}), so there is nothing to tell apart. "
            "Choose another completion column, or rows of two classes or more."
        )
    if len(classes) > most:
        raise StudioError(
            f"The completion column has {len(classes):,} different texts, such as {quoted(classes[0])}, and the recipe "
            f"takes {most:,} classes at most. Choose the column that holds the class, or set task.most_classes higher."
        )
    return tuple(classes)


def saved_classes(folder: Path) -> tuple[str, ...]:
    """The classes that the head of the model in `folder` names; none where it has no such head."""
    config = read_config(folder, str(folder))
    names, has_head = config.get("id2label"), "ForSequenceClassification" in str(config.get("architectures"))
    if not has_head or not isinstance(names, dict) or not names:
        return ("LABEL_0", "LABEL_1") if has_head else ()  # two classes without names are left out of a config.json
    return tuple(str(names[number]) for number in sorted(names, key=int))


def class_weights(labels: list[int], classes: int) -> torch.Tensor:
    """What a row of each class counts in the loss: the inverse of the class's share, 1 where all are as frequent."""
    counts = np.bincount(labels, minlength=classes)
    return torch.tensor(len(labels) / (classes * np.maximum(counts, 1)), dtype=torch.float32)


def _columns(examples: Examples) -> list[tuple[Any, ...]]:
    """Row number, prompt, completion and conversation of each."""
    return [
        each
        for batch in examples.batches("row", "prompt", "completion", "messages")
        for each in zip(*batch, strict=True)
    ]


def _head(model: PreTrainedModel) -> list[str]:
    """The names of the modules on top of the base's body."""
    return [
        name
        for name, module in model.named_children()
        if name != model.base_model_prefix and any(True for _ in module.parameters())
    ]


def _begin_anew(module: torch.nn.Module, model: PreTrainedModel, seed: int) -> None:
    """First weights for a part of the head, the same on every machine; held in float32, in which small steps count."""
    chance = torch.Generator().manual_seed(seed)
    spread = getattr(model.config.get_text_config(), "initializer_range", HEAD_SPREAD)
    for layer in module.modules():
        if isinstance(layer, torch.nn.Linear):
            layer.float()
            with torch.no_grad():
                layer.weight.copy_(torch.randn(layer.weight.shape, generator=chance) * spread)
                if layer.bias is not None:
                    layer.bias.zero_()
            layer.register_forward_pre_hook(_as_weights)


def _as_weights(layer: Any, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """What comes from a body in fewer bits, in the head's precision."""
    return (inputs[0].to(layer.weight.dtype), *inputs[1:])


def _named_class(logits: Any, labels: torch.Tensor) -> torch.Tensor:
    return (logits[0] if isinstance(logits, tuple) else logits).argmax(dim=-1)


def _scores(found: EvalPrediction) -> dict[str, float]:
    return class_scores(np.asarray(found.predictions), np.asarray(found.label_ids))
