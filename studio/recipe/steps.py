"""How many optimiser steps a training takes."""

from __future__ import annotations

import math

from studio.recipe.training import TrainingPart


def steps_of(training: TrainingPart, rows: int) -> int:
    """The steps over `rows` training rows as the trainer gets them (packed ones, where rows are packed)."""
    return training.max_steps or max(1, math.ceil(training.epochs * steps_per_epoch(training, rows)))


def steps_per_epoch(training: TrainingPart, rows: int) -> int:
    """The steps of one pass over the rows, as transformers counts them."""
    batches = -(-rows // training.batch_size)
    return max(1, -(-batches // training.gradient_accumulation))
