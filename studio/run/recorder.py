"""Writes what the trainer does as events, and passes a wish to stop on to it."""

from __future__ import annotations

import math
import time
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from studio.run.directory import Run
from studio.run.events import EventWriter, Metrics


class Recorder(TrainerCallback):
    """A trainer callback: one `Metrics` event per logged step, plus `tokens_per_second` and `step_seconds`; and one per
    held-out check, plus `check_seconds`: what a check takes once its first batch, which warms up, costs as the others.

    `poisoned_at` is the step at which the loss was no longer a number, if that happened.
    """

    def __init__(self, run: Run, events: EventWriter) -> None:
        self.run = run
        self.events = events
        self.poisoned_at: int | None = None
        self._step_began = 0.0
        self._step_seconds = 0.0
        self._tokens = 0.0
        self._batches_checked: list[float] = []

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._step_began = time.perf_counter()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self._step_seconds = time.perf_counter() - self._step_began
        if self.run.asked_to_stop():
            control.should_training_stop = True
            if args.metric_for_best_model is None:  # else the checks decide something, and none may be missing
                control.should_evaluate = False

    def on_prediction_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._batches_checked.append(time.perf_counter())

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        values = {key: float(value) for key, value in (logs or {}).items() if _is_number(value)}
        if "loss" in values:
            values |= self._speed(values.get("num_tokens", 0.0))
            if not math.isfinite(values["loss"]):
                self.poisoned_at = state.global_step
                control.should_training_stop = True
        if "eval_loss" in values:
            values |= self._check_speed()
        self.events.write(Metrics(step=state.global_step, values=values))

    def _speed(self, tokens: float) -> dict[str, float]:
        new, self._tokens = tokens - self._tokens, tokens
        seconds = max(self._step_seconds, 1e-9)
        return {"tokens_per_second": new / seconds, "step_seconds": seconds}

    def _check_speed(self) -> dict[str, float]:
        ends, self._batches_checked = self._batches_checked, []
        if len(ends) < 2:
            return {}
        return {"check_seconds": (ends[-1] - ends[0]) * len(ends) / (len(ends) - 1)}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) or hasattr(value, "item")
