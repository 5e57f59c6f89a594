"""The seam between the training loop and a task: how its model is loaded, its rows encoded, its trainer built."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset
from datasets.table import InMemoryTable

from studio.errors import StudioError
from studio.recipe.model_folder import model_kind, read_config
from studio.recipe.recipe import Recipe
from studio.recipe.tasks import why_not
from studio.run.base import Precision
from studio.run.directory import Run
from studio.run.events import EventWriter

if TYPE_CHECKING:
    from transformers import BitsAndBytesConfig, PreTrainedModel, PreTrainedTokenizerBase, Trainer, TrainerCallback

    from studio.run.tune import Tuned

RowsPart = Literal["train", "held_out"]


@dataclass(frozen=True)
class Rows:
    """The rows of one part as a trainer takes them. `keeps` is what has to live as long as they are used."""

    dataset: Dataset
    keeps: Any = None

    def __len__(self) -> int:
        return len(self.dataset)

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each row; of one with two answers, with the longer of them."""
        table = self.dataset.with_format("arrow")[:]
        names = [name for name in table.column_names if name.endswith("_ids")]
        sizes = {name: pc.list_value_length(table[name]).to_numpy() for name in names}
        if "input_ids" in sizes:
            return np.asarray(sizes["input_ids"])
        return np.asarray(sizes["prompt_ids"] + np.maximum(sizes["chosen_ids"], sizes["rejected_ids"]))


def dataset_of(table: pa.Table) -> Dataset:
    """Rows for a trainer, over their Arrow columns. Its name is drawn: one by content would read them all."""
    return Dataset(InMemoryTable(table), fingerprint=uuid.uuid4().hex)


class TaskRunner(ABC):
    """How models are trained for one task. Made for one recipe."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    speaks: ClassVar[bool] = True
    """Whether the model writes, for which its tokenizer needs a chat template and an end token."""

    new_modules: tuple[str, ...] = ()
    """Parts of the loaded model that its folder had no weights for. They learn with any method, and are saved."""

    def begin(self, run: Run) -> None:  # noqa: B027 (most tasks need nothing)
        """Look at the rows before the model is loaded, where the task depends on them (such as on its classes).

        Raises:
            StudioError: the task cannot be learned from them.
        """

    def refuse_unfit(self, folder: Path) -> None:
        """Raise StudioError where the model in `folder` is of a sort that cannot learn the task."""
        if reason := why_not(type(self.recipe.task), model_kind(read_config(folder, str(folder)))):
            raise StudioError(reason)

    @abstractmethod
    def load(self, folder: Path, precision: Precision, quantization: BitsAndBytesConfig | None) -> PreTrainedModel:
        """The base with the head that the task wants. Raises StudioError where it has none."""

    @abstractmethod
    def rows(self, run: Run, part: RowsPart, tokenizer: PreTrainedTokenizerBase, events: EventWriter) -> Rows:
        """The rows of a part as tokens, cut to the longest row; what is lost on the way is written as events.

        Raises:
            StudioError: no training row is left.
        """

    @abstractmethod
    def trainer(
        self,
        model: Tuned,
        tokenizer: PreTrainedTokenizerBase,
        arguments: dict[str, Any],
        rows: tuple[Rows, Rows],
        callbacks: list[TrainerCallback],
    ) -> Trainer:
        """A trainer (one with `checkpoints.Saves`) over training and held-out rows."""
