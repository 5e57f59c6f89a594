"""The loss curves of a run for laying over those of others: over steps, tokens or time."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any

from studio.run.directory import Run
from studio.run.events import AnyEvent, Metrics, Resumed
from studio.run.mean import Mean

MOST_POINTS = 500  # a curve
SMOOTHING = 0.9  # of the mean's weight stays with earlier steps: about the last ten count


@dataclass
class Curve:
    """A loss at places that are told in three ways: steps, tokens seen, and seconds of training."""

    step: list[int] = field(default_factory=list)
    tokens: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)

    def add(self, step: int, tokens: float, seconds: float, loss: float) -> None:
        """One more point."""
        self.step.append(step)
        self.tokens.append(tokens)
        self.seconds.append(round(seconds, 1))
        self.loss.append(float(f"{loss:.5g}"))

    def back_to(self, step: int) -> None:
        """Take back what was measured after `step`."""
        count = bisect_right(self.step, step)
        for values in (self.step, self.tokens, self.seconds, self.loss):
            del values[count:]  # type: ignore[attr-defined]

    def thinned(self) -> dict[str, list[Any]]:
        """At most so many points, evenly, with the last one."""
        every = max(1, -(-len(self.step) // MOST_POINTS))
        kept = sorted({*range(0, len(self.step), every), len(self.step) - 1}) if self.step else []
        return {name: [values[place] for place in kept] for name, values in vars(self).items()}


@dataclass
class _Reader:
    """Goes through a run's events. Time in which nobody trained and a count of tokens that began anew do not show."""

    train: Curve = field(default_factory=Curve)
    held_out: Curve = field(default_factory=Curve)
    smoothed: Mean = field(default_factory=Mean)
    began: float = 0.0
    last: float = 0.0
    tokens: float = 0.0
    before: float = 0.0  # tokens counted before the count began anew

    def take(self, event: AnyEvent) -> None:
        self.began = self.began or event.time
        if isinstance(event, Resumed):
            self.began += max(0.0, event.time - self.last)
            self.train.back_to(event.step)
            self.held_out.back_to(event.step)
            self.tokens = self.train.tokens[-1] if self.train.tokens else 0.0
        elif isinstance(event, Metrics):
            self._measure(event)
        self.last = event.time

    def _measure(self, event: Metrics) -> None:
        if (count := event.values.get("num_tokens")) is not None and math.isfinite(count):
            if self.before + count < self.tokens:
                self.before = self.tokens
            self.tokens = self.before + count
        seconds = max(0.0, event.time - self.began)
        loss, held_out = event.values.get("loss", math.nan), event.values.get("eval_loss", math.nan)
        if math.isfinite(loss):
            self.smoothed = self.smoothed.plus(loss, SMOOTHING)
            self.train.add(event.step, self.tokens, seconds, self.smoothed.value)
        if math.isfinite(held_out):
            self.held_out.add(event.step, self.tokens, seconds, held_out)


def curves_of(run: Run) -> dict[str, Any]:
    """The training loss, smoothed, and the held-out loss of a run, as JSON has it."""
    reader = _Reader()
    for event in run.events()[0]:
        reader.take(event)
    return {"run": run.name, "train": reader.train.thinned(), "held_out": reader.held_out.thinned()}
