"""How many optimiser steps a recipe takes, and at which of them something is done."""

from __future__ import annotations

import math

from studio.recipe.steps import steps_of, steps_per_epoch
from studio.recipe.training import TrainingPart

__all__ = [
    "check_steps",
    "decay_steps",
    "evaluation_steps",
    "save_steps",
    "steps_of",
    "steps_per_epoch",
    "warmup_steps",
]


def evaluation_steps(training: TrainingPart, rows: int) -> int:
    """Steps from one held-out check to the next; 0 where none is asked for."""
    return max(1, round(steps_of(training, rows) / training.evaluations)) if training.evaluations else 0


def check_steps(training: TrainingPart, steps: int) -> list[int]:
    """The steps after which the held-out loss is measured in a run of so many, the first step's start (0) included."""
    if not training.evaluations:
        return []
    every = max(1, round(steps / training.evaluations))
    return [*range(0, steps, every), steps]


def save_steps(training: TrainingPart, steps: int) -> list[int]:
    """The steps after which a checkpoint is due by the recipe."""
    return list(range(training.save_steps, steps + 1, training.save_steps)) if training.save_steps else []


def warmup_steps(training: TrainingPart, steps: int) -> int:
    """The steps of warm-up in a run of so many: as transformers counts them, but fewer than all, so that a run of one
    step is no run at a rate of 0."""
    asked = training.warmup_steps or math.ceil(steps * training.warmup)
    return min(asked, steps - 1)


def decay_steps(training: TrainingPart, steps: int) -> int:
    """The steps at the end over which the schedule `warmup_stable_decay` falls."""
    return round(steps * training.schedule_decay)
