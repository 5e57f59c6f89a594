"""Training an encoder to guess the tokens that were hidden from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa
import torch
from transformers import AutoModelForMaskedLM, DataCollatorForTokenClassification, Trainer, TrainingArguments

from studio.data.example import Examples, asked_text
from studio.data.tokens.encoded import IDS, IGNORED, Encoded
from studio.errors import StudioError
from studio.recipe.tasks import MaskedLanguageModeling
from studio.run.base import Precision, load_model
from studio.run.checkpoints import Saves
from studio.run.directory import Run
from studio.run.events import Decision, EventWriter
from studio.run.phases import Telling
from studio.run.row_losses.places import by_place, named_as_in, with_places
from studio.run.tasks.lost_rows import checked, nothing_left, tell_of_lost
from studio.run.tasks.runner import Rows, RowsPart, TaskRunner, dataset_of
from studio.run.tasks.texts import chunk_texts, encode_texts
from studio.run.tasks.token_count import CountsTokens

if TYPE_CHECKING:
    from transformers import BitsAndBytesConfig, PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback

    from studio.run.tune import Tuned

MASKED, REPLACED = 0.8, 0.1  # of the hidden tokens; the rest stay as they are (Devlin et al. 2018, section 3.1)


class Masking:
    """Hides tokens of texts, for a tokenizer that has a mask."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, share: float) -> None:
        self._share = share
        self._mask = int(tokenizer.mask_token_id)
        self._size = len(tokenizer)
        self._special = torch.tensor(sorted(tokenizer.all_special_ids))

    def __call__(self, ids: torch.Tensor, chance: torch.Generator | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """The ids with some hidden, and as labels what they were (elsewhere -100).

        At least one token of each text is hidden. Drawn on the CPU, from `chance` or from torch's own random numbers,
        which a checkpoint keeps.
        """
        known = ids.cpu()
        draw = torch.rand(known.shape, generator=chance)
        draw[torch.isin(known, self._special)] = 2.0
        hidden = ((draw < self._share) | (draw == draw.min(dim=1, keepdim=True).values)) & (draw < 2.0)
        fate = torch.rand(known.shape, generator=chance)
        other = torch.randint(self._size, known.shape, generator=chance)
        shown = torch.where(hidden & (fate < MASKED), self._mask, known)
        shown = torch.where(hidden & (fate >= MASKED) & (fate < MASKED + REPLACED), other, shown)
        return shown.to(ids.device), torch.where(hidden, known, IGNORED).to(ids.device)


class MaskTrainer(CountsTokens, Saves, Trainer):  # type: ignore[misc]
    """transformers' trainer with the studio's checkpoints; hides other tokens each time that a row comes by."""

    def __init__(self, *arguments: Any, masking: Masking, **options: Any) -> None:
        self.masking = masking
        super().__init__(*arguments, **options)

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Any:
        """One batch, with tokens hidden. A collator would draw ahead of what a checkpoint knows."""
        shown, labels = self.masking(inputs["input_ids"])
        return super().training_step(model, {**inputs, "input_ids": shown, "labels": labels}, num_items_in_batch)


class MaskedLanguageModelingRunner(TaskRunner):
    """The texts are plain texts, or prompts with their completions below."""

    speaks: ClassVar[bool] = False

    def load(self, folder: Path, precision: Precision, quantization: BitsAndBytesConfig | None) -> PreTrainedModel:
        self.refuse_unfit(folder)
        return load_model(folder, precision, quantization, AutoModelForMaskedLM)

    def rows(self, run: Run, part: RowsPart, tokenizer: PreTrainedTokenizerBase, events: EventWriter) -> Rows:
        recipe = self.recipe
        examples, longest = run.examples(part), recipe.training.max_length
        masking = self._masking(tokenizer)
        if part == "held_out":
            examples = checked(examples, recipe.training, events)
        chunks, tell = recipe.data.chunks, Telling(events, "preparing", run=run)
        texts = _texts(by_place(examples))
        if chunks.by == "whole":
            encoded = encode_texts(texts, tokenizer, longest, tell)
        else:
            encoded = chunk_texts(texts, tokenizer, chunks, longest, tell)
            if part == "train":
                reason = f"an encoder reads each of at most {min(chunks.length, longest)} tokens by itself"
                events.write(Decision(choice=f"{len(encoded)} chunks of {len(examples)} texts", reason=reason))
        tell_of_lost(named_as_in(encoded, examples), part, longest, events)
        if part == "held_out":
            return Rows(dataset_of(_hidden_once(encoded, masking)))
        if not len(encoded):
            raise nothing_left(encoded, longest)
        return Rows(dataset_of(with_places(encoded.table.select(["input_ids"]), encoded.table["row"].to_numpy())))

    def trainer(
        self,
        model: Tuned,
        tokenizer: PreTrainedTokenizerBase,
        arguments: dict[str, Any],
        rows: tuple[Rows, Rows],
        callbacks: list[TrainerCallback],
    ) -> MaskTrainer:
        train_rows, held_out_rows = rows
        return MaskTrainer(
            model=model,
            args=TrainingArguments(**arguments, label_names=["labels"]),
            train_dataset=train_rows.dataset,
            eval_dataset=held_out_rows.dataset if len(held_out_rows) else None,
            processing_class=tokenizer,
            data_collator=DataCollatorForTokenClassification(tokenizer, label_pad_token_id=IGNORED),
            callbacks=callbacks,
            method=self.recipe.method,
            masking=self._masking(tokenizer),
        )

    def _masking(self, tokenizer: PreTrainedTokenizerBase) -> Masking:
        task = self.recipe.task
        assert isinstance(task, MaskedLanguageModeling)
        if tokenizer.mask_token_id is None:
            raise StudioError(
                "You set the task to masked language modeling, but this base model's tokenizer has no mask token to "
                "hide words with. Choose an encoder such as google-bert/bert-base-uncased."
            )
        return Masking(tokenizer, task.masked_share)


def _texts(examples: Examples) -> list[tuple[int, str]]:
    """Plain texts as they are; of pairs and conversations all that is said."""
    return [
        (row, "\n".join(filter(None, (asked_text(prompt, "", messages), completion))))
        for batch in examples.batches("row", "prompt", "completion", "messages")
        for row, prompt, completion, messages in zip(*batch, strict=True)
    ]


def _hidden_once(encoded: Encoded, masking: Masking) -> pa.Table:
    """Rows with tokens hidden for good, each by the number of its place: so the losses of all checks compare."""
    found = [
        masking(torch.tensor([ids]), torch.Generator().manual_seed(place))
        for place, ids in enumerate(encoded.input_ids)
    ]
    columns = {
        "input_ids": [shown[0].tolist() for shown, _ in found],
        "labels": [each[0].tolist() for _, each in found],
    }
    return pa.table({name: pa.array(lists, IDS) for name, lists in columns.items()})
