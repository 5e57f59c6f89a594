"""Events in, where the run stands out: how far, how fast, how long still."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from studio.run.eta import pace_of, seconds_left
from studio.run.events import AnyEvent, Ended, Metrics, Phase, Resumed, Started

Number = float | Literal["not a number"] | None
REMEMBERED = 24  # steps whose times tell of those to come
USUAL_CHECKS = 8  # held-out checks in a run, as the recipe has it, until two of them tell how far apart they are
BESIDE_LOSS = ("learning_rate", "tokens_per_second")
LONGEST = 10 * 365 * 86400.0  # seconds; beyond that an estimate says nothing


class Mean(NamedTuple):
    """An exponential moving mean that is not biased towards its start. A value, so that it can travel."""

    total: float = 0.0
    weight: float = 0.0

    def plus(self, value: float, keep: float) -> Mean:
        """The mean with one more value; `keep` of the weight stays with the earlier ones."""
        return Mean(keep * self.total + (1 - keep) * value, keep * self.weight + (1 - keep))

    @property
    def value(self) -> float:
        """The mean, or 0 before the first value."""
        return self.total / self.weight if self.weight else 0.0


class Progress(BaseModel):
    """What a reader remembers of the events it has seen, so that it never reads them again.

    It travels to the browser and back, so it is small, and everything in it is checked on the way in.
    Times are in seconds since the epoch. `paced` is when the last step, check or phase was over.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)
    phase: str = Field(default="", max_length=20)
    step: int = Field(default=0, ge=0, le=10**9)
    steps: int = Field(default=0, ge=0, le=10**9)
    epochs: float = 0.0
    loss: Number = None
    held_out_loss: Number = None
    learning_rate: Number = None
    tokens_per_second: Number = None
    began: float = 0.0
    last: float = 0.0
    paced: float = 0.0
    step_seconds: tuple[float, ...] = Field(default=(), max_length=REMEMBERED)
    check_seconds: float = 0.0
    checked_at: int = Field(default=-1, ge=-1, le=10**9)
    check_every: int = Field(default=0, ge=0, le=10**9)

    def after(self, events: Iterable[AnyEvent]) -> Progress:
        """Where the run stands once `events` have happened too."""
        progress = self
        for event in events:
            changes = {"last": event.time, "began": progress.began or event.time} | progress._changes(event)
            progress = progress.model_copy(update=changes)
        return progress

    def elapsed(self, now: float | None = None) -> float:
        """Seconds since the first event, up to `now` or, where the run is over, to its last event."""
        return max(0.0, (now or self.last) - self.began) if self.began else 0.0

    def time_left(self, now: float) -> tuple[float, str] | None:
        """Seconds to the last step, and how they are estimated. None while there is nothing to go by."""
        if not self.step_seconds or not self.steps:
            return None
        to_go, checks = max(0, self.steps - self.step), self._checks_to_come()
        paces = [min(seconds, LONGEST) for seconds in self.step_seconds]
        whole = seconds_left(paces, self.step, self.steps, checks, self.check_seconds).seconds
        left = max(0.0, whole - max(0.0, now - self.paced))
        if not math.isfinite(whole) or left > LONGEST:
            return None
        how = f"{to_go} steps at {pace_of(paces):.2g} s, as the last ones took"
        if checks and self.check_seconds:
            how += f", and {checks} held-out check{'s' if checks > 1 else ''} at {self.check_seconds:.2g} s"
        return left, how

    def _changes(self, event: AnyEvent) -> dict[str, object]:
        if isinstance(event, Started):
            every = max(0, event.check_every) or self.check_every
            return {"steps": max(0, event.steps), "epochs": _number(event.epochs) or 0.0, "check_every": every}
        if isinstance(event, Phase):
            return {"phase": event.phase, "paced": event.time}
        if isinstance(event, Ended):
            return {"phase": ""}
        if isinstance(event, Resumed):
            return self._resumed(event)
        if isinstance(event, Metrics):
            return self._measured(event)
        return {}

    def _resumed(self, event: Resumed) -> dict[str, object]:
        """Back at the step that it goes on from; the time in which nothing was done does not count."""
        idle = max(0.0, event.time - self.last) if self.last else 0.0
        began = self.began + idle if self.began else event.time
        return {"phase": "", "step": event.step, "checked_at": min(self.checked_at, event.step), "began": began}

    def _measured(self, event: Metrics) -> dict[str, object]:
        took = max(0.0, event.time - self.paced) if self.paced else 0.0
        values, changes = event.values, dict[str, object](paced=event.time)
        if "loss" in values:
            changes |= {"loss": _number(values["loss"]), "step": event.step}
            changes |= {
                name: _number(values[name]) for name in ("learning_rate", "tokens_per_second") if name in values
            }
            if 0 < self.step < event.step:  # the first step warms up and tells nothing of the others
                pace = took / (event.step - self.step)
                changes["step_seconds"] = (*self.step_seconds, float(f"{pace:.3g}"))[-REMEMBERED:]
        if "eval_loss" in values:
            changes |= {"held_out_loss": _number(values["eval_loss"]), "checked_at": event.step}
            changes["check_seconds"] = min(took, values.get("check_seconds", took))
            if 0 <= self.checked_at < event.step:
                changes["check_every"] = event.step - self.checked_at
        return changes

    def _checks_to_come(self) -> int:
        if self.checked_at < 0:
            return 0
        every = self.check_every or max(1, self.steps // USUAL_CHECKS)
        last = self.steps % every > 0 and self.checked_at < self.steps  # the end is measured wherever it falls
        return max(0, self.steps // every - self.checked_at // every) + last


def _number(value: float) -> Number:
    return value if math.isfinite(value) else "not a number"
