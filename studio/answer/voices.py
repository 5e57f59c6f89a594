"""Who answers, ready to: a voice with the model, tokenizer and limits that it speaks with."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from studio.answer.voice import Voice

Notify = Callable[[str], None]
Model = Any  # a PreTrainedModel, or a PeftModel around one


@dataclass(frozen=True, eq=False)
class Seat:
    """A voice, ready to answer.

    Rows of seats with equal `together` share a pass, exactly as if each had one of its own (in this compute dtype, on
    this device); its model is that of a seat with an `adapter` where there is one. None: a pass of its own.
    """

    voice: Voice
    lead: Callable[[], Model]
    """What `model` asks."""
    adapter: str
    """Names its rows, by PEFT's `adapter_names`. Empty: its rows are named `__base__` where others of the pass have a
    name, and need none elsewhere: an adapter that cannot be named is the only one on its model, and active."""
    tokenizer: PreTrainedTokenizerBase
    ends: frozenset[int]
    """The tokens that end an answer."""
    pad: int
    context: int | None
    """In tokens."""
    writes: bool = True
    """Whether it answers in words of its own; if not, it reads a text and names its class or fills its gaps."""
    labels: tuple[str, ...] = ()
    """The classes that a classifier tells apart, in the order of its outputs."""
    together: Hashable | None = None
    pads: bool = True
    """Whether rows of different lengths may be in one batch."""
    in_turn: bool = False
    """Whether its model and another seat's do not fit in memory at once: its pass comes after the others'."""

    def model(self) -> Model:
        """The model to call `generate` on, in memory now; where `in_turn`, another one may be let go for it.

        Each call returns a tree of modules that nobody else has, over tensors that all share: passes in several threads
        may take turns token by token (PEFT's `generate` hangs hooks on the modules and is not re-entrant), and what is
        loaded meanwhile does not disturb them. Ask once a pass.
        """
        return self.lead()
