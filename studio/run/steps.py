"""How many optimiser steps a recipe takes, and at which of them something is done."""

from __future__ import annotations

from studio.recipe.recipe import TrainingPart


def steps_of(training: TrainingPart, rows: int) -> int:
    """The steps over `rows` training rows, as the trainer counts them."""
    if training.max_steps:
        return training.max_steps
    batches = -(-rows // training.batch_size)
    per_epoch = max(1, -(-batches // training.gradient_accumulation))
    return max(1, -(-int(training.epochs * 1000 * per_epoch) // 1000))


def evaluation_steps(training: TrainingPart, rows: int) -> int:
    """Steps from one held-out check to the next; 0 where none is asked for."""
    return max(1, round(steps_of(training, rows) / training.evaluations)) if training.evaluations else 0
