"""What every tuning method is: options, words about itself, and what it does to a model.

A method returns values; the training loop has no branches for methods. Nothing heavy is imported until a method is
asked to act, because the page reads the options from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from studio.knob import Part

if TYPE_CHECKING:
    import peft
    import torch
    import transformers

Family = Literal["Low-rank adapters", "Whole weights", "Soft prompts", "Small adapters"]


@dataclass(frozen=True)
class Situation:
    """The run that a method acts in.

    `task_type` is PEFT's name for what the model answers with ("CAUSAL_LM", "SEQ_CLS"; None where PEFT has no name),
    `steps` how many optimiser steps the run takes, `tokenizer` the folder of the base model's tokenizer, `model` the
    loaded base before anything was put on it (None: not loaded, choose by the options alone).
    """

    task_type: str | None = "CAUSAL_LM"
    steps: int = 1
    tokenizer: str = ""
    model: Any = None


class TuningMethod(Part):
    """One way to tune. A class is one method, an object of it is the method with its options set."""

    title: ClassVar[str]
    """Its name on the page."""
    family: ClassVar[Family]
    source: ClassVar[str]
    """Paper and section."""
    when: ClassVar[str]
    """When to choose it, in one to three sentences."""
    first: ClassVar[str]
    """What to try first, in one sentence."""
    good_at: ClassVar[str]
    """What it is good at, in at most six words, for the comparison picture."""
    keeps: ClassVar[Literal["adapter", "model"]] = "adapter"
    """What comes out of a run: a small file beside the base, or a whole model."""
    trains_base: ClassVar[bool] = False
    """Whether weights of the base itself move. They are then held in float32, whatever the precision."""
    rate: ClassVar[float] = 1.0
    """The learning rate to begin with, as a multiple of what LoRA wants for the same base."""
    works_with_checkpointing: ClassVar[bool] = True
    """Whether it trains under gradient checkpointing."""
    works_sharded: ClassVar[bool] = True
    """Whether it trains where each process has only pieces of the weights."""
    tasks: ClassVar[tuple[str, ...]] = (
        "language-modeling",
        "direct-preference",
        "sequence-classification",
        "masked-language-modeling",
    )
    """The tasks that it can be used for, by the names that recipes have for them."""

    name: str

    def weight_bytes(self) -> float | None:
        """Bytes that one weight of the base takes while it trains; None: as its precision takes."""
        return None

    def quantization(self, compute_dtype: torch.dtype) -> transformers.BitsAndBytesConfig | None:
        """How the base is stored while it trains; None keeps it in its own precision."""
        return None

    def peft_config(self, situation: Situation) -> peft.PeftConfig | None:
        """The adapter to put on the base; None where there is none."""
        return None

    def choose(self, model: Any) -> None:
        """Set `requires_grad` of the weights, after the adapter was put on. By default as PEFT left it."""

    def optimizer(self, model: Any, kind: type, options: dict[str, Any]) -> Any | None:
        """An optimiser of the method's own; None takes the trainer's.

        Args:
            model: the model with its adapter.
            kind: the optimiser class that the recipe asks for.
            options: its keyword arguments, `lr` and `weight_decay` among them.
        """
        return None

    def callbacks(self) -> list[transformers.TrainerCallback]:
        """What is to happen at moments of the training."""
        return []

    def state(self, model: Any) -> dict[str, torch.Tensor]:
        """What a checkpoint has to keep beside the weights that are trained, by name."""
        return {}

    def restore(self, model: Any, state: dict[str, torch.Tensor]) -> None:
        """Put back what `state` gave."""

    def result(self, model: Any) -> Any:
        """The model as it is saved when training is over; a PEFT model saves its adapter, any other itself whole."""
        return model
