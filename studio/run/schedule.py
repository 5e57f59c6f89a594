"""The learning rate at each step of a run, before there is a run: for the drawing beside the sliders.

The formulas are those of transformers 5.23, `optimization.py`, which trains by them; a test holds them together.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from studio.recipe.training import TrainingPart
from studio.run.steps import decay_steps, warmup_steps

Shape = Callable[[float], float]
UNKNOWN_SCALE = 10_000  # steps: the time scale that transformers takes for inverse_sqrt without a warm-up


def rates(training: TrainingPart, steps: int) -> list[float]:
    """The learning rate at each of `steps` steps. Of `reduce_lr_on_plateau` the rate before any halving."""
    share = _share(training, steps)
    return [training.learning_rate * share(step) for step in range(steps)]


def _share(t: TrainingPart, steps: int) -> Shape:
    """The share of the full rate at a step, counted from 0."""
    if t.schedule in {"constant", "reduce_lr_on_plateau"}:
        return lambda step: 1.0
    warmup = warmup_steps(t, steps)
    left = max(1, steps - warmup)
    if t.schedule == "warmup_stable_decay":
        return _warmup_stable_decay(t, steps, warmup)
    falls: dict[str, Shape] = {
        "constant_with_warmup": lambda step: 1.0,
        "linear": lambda step: max(0.0, (steps - step) / left),
        "cosine": lambda step: _cosine((step - warmup) / left),
        "cosine_with_min_lr": lambda step: _above(t.schedule_floor, _cosine((step - warmup) / left)),
        "cosine_with_restarts": lambda step: _cosine(t.schedule_cycles * ((step - warmup) / left) % 1.0),
        "polynomial": lambda step: _above(t.schedule_floor, (1 - (step - warmup) / left) ** t.schedule_power),
        "inverse_sqrt": lambda step: _inverse_root(step, warmup),
    }
    falling = falls[t.schedule]
    return lambda step: step / warmup if step < warmup else falling(step)


def _cosine(progress: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * progress))


def _above(floor: float, share: float) -> float:
    return share * (1 - floor) + floor


def _inverse_root(step: float, warmup: int) -> float:
    scale = warmup or UNKNOWN_SCALE
    return 1 / math.sqrt((step + scale - warmup) / scale)


def _warmup_stable_decay(t: TrainingPart, steps: int, warmup: int) -> Shape:
    floor, decay = t.schedule_floor, decay_steps(t, steps)
    falls_from = warmup + (steps - warmup - decay)

    def share(step: float) -> float:
        if step < warmup:
            return _above(floor, step / warmup)
        if step < falls_from:
            return 1.0
        if step < steps:
            return _above(floor, 1 - math.sqrt((step - falls_from) / max(1, decay)))
        return floor

    return share
