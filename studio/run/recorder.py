"""Writes what the trainer does as events."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from studio.run.directory import Run
from studio.run.events import EventWriter, Metrics, Phase
from studio.run.mean import KEPT, Mean
from studio.run.phases import Telling
from studio.run.usage import Usage


class Recorder(TrainerCallback):
    """A trainer callback: one `Metrics` event per logged step, with `tokens_per_second`, `step_seconds` and what is
    taken of the machine; and one per held-out check, with `gap`, its loss less the smoothed training loss, and
    `check_seconds`: what a check takes once its first batch, which warms up, costs as the others. Tokens are counted
    over the whole run, however often it was resumed.
    """

    def __init__(self, run: Run, events: EventWriter) -> None:
        self.run = run
        self.events = events
        self._usage = Usage()
        self._step_began = 0.0
        self._step_seconds = 0.0
        self._tokens = 0.0
        self._tokens_before = 0.0
        self._trained = False
        self._trained_at = Mean()
        self._batches_checked: list[float] = []
        self._scoring: Telling | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._tokens_before = _tokens_of(state.log_history)
        self._trained_at = Mean()
        for entry in state.log_history:
            self._smooth(entry)

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._step_began = time.perf_counter()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self._step_seconds = time.perf_counter() - self._step_began
        self._trained = True

    def on_prediction_step(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        eval_dataloader: Any = None,
        **kwargs: Any,
    ) -> None:
        self._batches_checked.append(time.perf_counter())
        if self._scoring is None:
            self._scoring = Telling(self.events, "scoring", state.global_step)
        self._scoring("", len(self._batches_checked), len(eval_dataloader) if eval_dataloader is not None else 0)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        values = {key: float(value) for key, value in (logs or {}).items() if _is_number(value)}
        if "train_loss" in values and not self._trained:  # the mean of no steps is no loss of 0
            del values["train_loss"]
        self._smooth(values)
        if "loss" in values:
            values |= self._speed(values.get("num_tokens", 0.0)) | self._usage.sample()
        if "num_tokens" in values:
            values["num_tokens"] += self._tokens_before
        if "eval_loss" in values:
            values |= self._check_speed()
            if self._trained_at.weight:
                values["gap"] = values["eval_loss"] - self._trained_at.value
        self.events.write(Metrics(step=state.global_step, values=values))
        if "eval_loss" in values and self._scoring is not None:
            if self._scoring.said:
                self.events.write(Phase(phase="training", step=state.global_step))
            self._scoring = None

    def _smooth(self, values: Mapping[str, Any]) -> None:
        if math.isfinite(loss := float(values.get("loss", math.nan))):
            self._trained_at = self._trained_at.plus(loss, KEPT)

    def _speed(self, tokens: float) -> dict[str, float]:
        new, self._tokens = tokens - self._tokens, tokens
        seconds = max(self._step_seconds, 1e-9)
        return {"tokens_per_second": new / seconds, "step_seconds": seconds}

    def _check_speed(self) -> dict[str, float]:
        ends, self._batches_checked = self._batches_checked, []
        if len(ends) < 2:
            return {}
        return {"check_seconds": (ends[-1] - ends[0]) * len(ends) / (len(ends) - 1)}


def _tokens_of(history: Iterable[dict[str, Any]]) -> float:
    """The tokens of all steps in a trainer's history, in which each process counts from 0 again."""
    total = last = 0.0
    for entry in history:
        if "loss" in entry and (now := float(entry.get("num_tokens", 0.0))):
            total += last if now < last else 0.0
            last = now
    return total + last


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) or hasattr(value, "item")
