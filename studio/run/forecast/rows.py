"""What is known of a recipe's rows at the moment, as a forecast takes it."""

from __future__ import annotations

import numpy as np

from studio.data.findings import Histogram
from studio.recipe.recipe import Recipe
from studio.run.forecast.forecast import KnownRows
from studio.run.study.desk import Desk


def rows_of(desk: Desk, recipe: Recipe) -> KnownRows | None:
    """The rows as the page's desk knows them; None where there are none yet. The study that counts tokens begins.

    Raises:
        StudioError: they cannot be prepared.
    """
    prepared = desk.known(recipe.data) if recipe.data.path else None
    if prepared is None:
        return None
    rows, held_out = len(prepared.train), len(prepared.held_out)
    training = recipe.training
    study = desk.study(recipe.data, recipe.model.id, training.max_length).study
    if study is None or not study.rows:
        return KnownRows(rows=rows, held_out=held_out)
    packed = training.packing and recipe.task.name == "language-modeling"
    return KnownRows(
        rows=study.rows,
        held_out=held_out,
        longest=min(study.longest, training.max_length),
        padded=float(training.max_length) if packed else mean_longest(study.row_lengths, recipe),
        packed=-(-study.seen_tokens // training.max_length) if packed else 0,
    )


def mean_longest(lengths: Histogram, recipe: Recipe) -> float:
    """How long the longest row of a random batch is on average, in tokens after the cut."""
    counts, edges = np.array(lengths.counts, float), np.array(lengths.edges, float)
    if not counts.sum():
        return float(recipe.training.max_length)
    middles = np.minimum((edges[:-1] + edges[1:] - 1) / 2, recipe.training.max_length)
    none_longer = np.cumsum(counts) / counts.sum()
    longest = np.diff(none_longer**recipe.training.batch_size, prepend=0.0)  # the chance that the longest is in a bin
    return float(longest @ middles)
