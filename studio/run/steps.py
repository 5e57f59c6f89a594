"""How many optimiser steps a recipe takes."""

from __future__ import annotations

from studio.recipe.recipe import TrainingPart


def steps_of(training: TrainingPart, rows: int) -> int:
    """The steps over `rows` training rows, as the trainer counts them."""
    if training.max_steps:
        return training.max_steps
    batches = -(-rows // training.batch_size)
    per_epoch = max(1, -(-batches // training.gradient_accumulation))
    return max(1, -(-int(training.epochs * 1000 * per_epoch) // 1000))
