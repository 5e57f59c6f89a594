"""Who answers: base and tuned model of a run, in one copy of the weights or in two."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from studio.answer.engine import Engine
    from studio.answer.voice import Voice
    from studio.run.directory import Run

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


class Speakers(Protocol):
    """The models behind base and tuned."""

    def model(self, tuned: bool) -> Model:
        """The model that speaks as the tuned one, or as the base; it is in memory until the other one is asked for."""

    def order(self) -> tuple[bool, bool]:
        """Which is best asked first: tuned or base."""


@dataclass(frozen=True)
class OneModel:
    """One copy of the weights for both: an adapter makes the difference."""

    only: Model

    def model(self, tuned: bool) -> Model:
        return self.only

    def order(self) -> tuple[bool, bool]:
        return False, True


@dataclass(frozen=True)
class TwoModels:
    """A base and a whole tuned model, side by side where the memory allows it, else in turn."""

    engine: Engine
    run: Run
    notify: Notify

    def model(self, tuned: bool) -> Model:
        return self.engine.whole(self.run, self.notify) if tuned else self.engine.base_of(self.run, self.notify)

    def order(self) -> tuple[bool, bool]:
        first = self.engine.holds_whole(self.run)
        return first, not first


@dataclass(frozen=True)
class Voices:
    """A run's base and tuned model, ready to answer. `context` is in tokens.

    `adapter` is empty where a base model was asked for by itself, and where the tuned model is a whole one.
    `writes` says whether it answers in words of its own; if not, it reads a text and names its class or fills its gaps.
    `labels` are the classes that a classifier tells apart, in the order of its outputs.
    """

    speakers: Speakers
    adapter: str
    tokenizer: PreTrainedTokenizerBase
    ends: frozenset[int]
    pad: int
    context: int | None
    writes: bool = True
    labels: tuple[str, ...] = ()

    @property
    def model(self) -> Model:
        """The model in which the base speaks."""
        return self.speakers.model(False)
