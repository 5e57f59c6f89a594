"""The seam between the training loop and a task: how its model is loaded, its rows encoded, its trainer built."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from datasets import Dataset

from studio.recipe.recipe import Recipe
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


class TaskRunner(ABC):
    """How models are trained for one task. Made for one recipe."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    def begin(self, run: Run) -> None:  # noqa: B027 (most tasks need nothing)
        """Look at the rows before the model is loaded, where the task depends on them (such as on its classes)."""

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
