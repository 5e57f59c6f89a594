"""A run as each of the processes sees it that do it together: all hear of a wish at the same step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from studio.run.accelerated.ranks import agreed
from studio.run.directory import Run
from studio.run.wish import Wish


@dataclass(frozen=True)
class SharedRun(Run):
    """A run whose wishes are what the first process read when all last agreed.

    A process that looked by itself might see a wish one step before another one does, and the other would wait for it
    for ever.
    """

    _heard: list[Wish | None] = field(default_factory=lambda: [None], compare=False, repr=False)

    def wish(self) -> Wish | None:
        """How the run was asked to end, if it was, by the last time all agreed."""
        return self._heard[0]

    def asked_to_stop(self) -> bool:
        """Whether it was asked to end in any way by then."""
        return self.wish() is not None

    def agree(self) -> None:
        """Let all hear what was asked by now. To be called by every process at the same place."""
        self._heard[0] = agreed(super().wish())


class Agreeing(TrainerCallback):  # type: ignore[misc]
    """Agrees at the start and at the end of each step, before any other callback looks."""

    def __init__(self, run: SharedRun) -> None:
        self._run = run

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._run.agree()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._run.agree()
