"""Events in, where the run stands out: how far, how fast, how long still."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from studio.run.eta import pace_of, seconds_left
from studio.run.events import AnyEvent, Branched, Ended, Look, Metrics, Phase, Resumed, Saved, Started

Number = float | Literal["not a number"] | None
REMEMBERED = 24  # steps whose times tell of those to come
USUAL_CHECKS = 8  # held-out checks in a run, as the recipe has it, until two of them tell how far apart they are
BESIDE_LOSS = ("learning_rate", "tokens_per_second")
ON_THE_WAY = {"scoring", "saving"}  # phases in the midst of training
LONGEST = 10 * 365 * 86400.0  # seconds; beyond that an estimate says nothing


class Left(NamedTuple):
    """Seconds to the last step, how they are estimated, and the bounds that they should stay within nineteen times out
    of twenty."""

    seconds: float
    how: str
    low: float
    high: float


class Progress(BaseModel):
    """What a reader remembers of the events it has seen, so that it never reads them again.

    It travels to the browser and back, so it is small, and everything in it is checked on the way in.
    Times are in seconds since the epoch. `paced` is when the last step, check or phase was over. `idle` are the seconds
    in which nothing was done, before it was resumed. `done` of `of` is how far the phase is.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)
    phase: str = Field(default="", max_length=20)
    done: int = Field(default=0, ge=0, le=10**12)
    of: int = Field(default=0, ge=0, le=10**12)
    step: int = Field(default=0, ge=0, le=10**9)
    steps: int = Field(default=0, ge=0, le=10**9)
    epochs: float = 0.0
    loss: Number = None
    held_out_loss: Number = None
    learning_rate: Number = None
    tokens_per_second: Number = None
    began: float = 0.0
    last: float = 0.0
    idle: float = Field(default=0.0, ge=0)
    resting: bool = False
    paced: float = 0.0
    step_seconds: tuple[float, ...] = Field(default=(), max_length=REMEMBERED)
    check_seconds: float = 0.0
    checked_at: int = Field(default=-1, ge=-1, le=10**9)
    check_every: int = Field(default=0, ge=0, le=10**9)
    look_seconds: float = Field(default=0.0, ge=0)
    looked_at: int = Field(default=-1, ge=-1, le=10**9)

    def after(self, events: Iterable[AnyEvent]) -> Progress:
        """Where the run stands once `events` have happened too."""
        progress = self
        for event in events:
            changes = progress._clocked(event) | progress._changes(event)
            progress = progress.model_copy(update=changes)
        return progress

    def timed(self, events: Iterable[AnyEvent]) -> Iterator[tuple[AnyEvent, float]]:
        """Each of `events`, which come next, with the seconds of work before it."""
        clock = self
        for event in events:
            clock = clock.model_copy(update=clock._clocked(event))
            yield event, clock.elapsed()

    def elapsed(self, now: float | None = None) -> float:
        """Seconds of work since the first event, up to `now` or, where the run is over, to its last event."""
        return max(0.0, (now or self.last) - self.began - self.idle) if self.began else 0.0

    def time_left(self, now: float) -> Left | None:
        """How long it still takes. None while there is nothing to go by."""
        if not self.step_seconds or not self.steps:
            return None
        to_go, checks = max(0, self.steps - self.step), self._checks_to_come()
        paces = [min(seconds, LONGEST) for seconds in self.step_seconds]
        looking = self._looks_to_come(checks) * self.look_seconds
        whole = seconds_left(paces, self.step, self.steps, checks, self.check_seconds, looking)
        since = max(0.0, now - self.paced)
        left, low, high = (max(0.0, seconds - since) for seconds in whole)
        if not math.isfinite(whole.high) or high > LONGEST:
            return None
        how = f"{to_go} steps at {pace_of(paces):.2g} s, as the last ones took"
        if checks and self.check_seconds:
            how += f", and {checks} held-out check{'s' if checks > 1 else ''} at {self.check_seconds:.2g} s"
        return Left(left, how, low, high)

    def _clocked(self, event: AnyEvent) -> dict[str, object]:
        """The time in which nothing was done, before a resume and in the queue after it, does not count."""
        rested = self.last and (self.resting or isinstance(event, Resumed))
        idle = self.idle + max(0.0, event.time - self.last) if rested else self.idle
        resting = isinstance(event, Resumed | Branched)
        return {"last": event.time, "began": self.began or event.time, "idle": idle, "resting": resting}

    def _changes(self, event: AnyEvent) -> dict[str, object]:
        if isinstance(event, Started):
            every = max(0, event.check_every) or self.check_every
            return {"steps": max(0, event.steps), "epochs": _number(event.epochs) or 0.0, "check_every": every}
        if isinstance(event, Phase):
            return self._began_phase(event)
        if isinstance(event, Ended):
            return {"phase": "", "done": 0, "of": 0}
        if isinstance(event, Saved):
            return self._trains_on()
        if isinstance(event, Resumed | Branched):
            back = {"phase": "", "done": 0, "of": 0, "step": event.step}
            return back | {"checked_at": min(self.checked_at, event.step)}
        if isinstance(event, Metrics):
            return self._measured(event)
        if isinstance(event, Look):
            return {"looked_at": event.step}
        return {}

    def _began_phase(self, event: Phase) -> dict[str, object]:
        """The time of a check is measured from the step before it, and that of a save counts with the step after it."""
        changes: dict[str, object] = {"phase": event.phase, "done": max(0, event.done), "of": max(0, event.of)}
        goes_on = event.phase == self.phase or not ON_THE_WAY.isdisjoint({event.phase, self.phase})
        return changes if goes_on and self.paced else changes | {"paced": event.time}

    def _trains_on(self) -> dict[str, object]:
        """What was measured or saved on the way is over."""
        return {"phase": "training", "done": 0, "of": 0} if self.phase in ON_THE_WAY else {}

    def _measured(self, event: Metrics) -> dict[str, object]:
        took = max(0.0, event.time - self.paced) if self.paced else 0.0
        values, changes = event.values, self._trains_on() | {"paced": event.time}
        if "loss" in values:
            changes |= {"loss": _number(values["loss"]), "step": event.step}
            changes |= {name: _number(values[name]) for name in BESIDE_LOSS if name in values}
            if 0 < self.step < event.step:  # the first step warms up and tells nothing of the others
                pace = took / (event.step - self.step)
                changes["step_seconds"] = (*self.step_seconds, float(f"{pace:.3g}"))[-REMEMBERED:]
        if "look_seconds" in values:  # none of the next step's time: paced anew
            changes["look_seconds"] = min(max(0.0, values["look_seconds"]), LONGEST)
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

    def _looks_to_come(self, checks: int) -> int:
        """As many as checks, as long as each check is looked at; else the last one alone."""
        if self.looked_at < 0 or self.step >= self.steps:
            return 0
        return checks if self.looked_at >= self.checked_at else 1


def _number(value: float) -> Number:
    return value if math.isfinite(value) else "not a number"
