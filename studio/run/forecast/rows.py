"""What is known of a recipe's rows at the moment, as a forecast takes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from studio.data.findings import Histogram
from studio.home import Home
from studio.recipe.recipe import Recipe
from studio.run.forecast.forecast import KnownRows
from studio.run.study.caches import Cache
from studio.run.study.desk import Desk
from studio.run.study.lengths import Lengths, lengths_at
from studio.run.submit import prepare_part


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
    return _known(recipe, study, held_out)


def count_rows(recipe: Recipe, home: Home, folder: Path) -> KnownRows | None:
    """The rows counted now, over the tokenizer in `folder`; None where the recipe names none.

    Raises:
        StudioError: they cannot be prepared.
    """
    from studio.run.study.tokens import Encoding, encoded_rows
    from studio.run.tasks.every import runner_of
    from studio.run.tokenizer import load_tokenizer

    if not recipe.data.path:
        return None
    prepared = prepare_part(recipe.data, home)
    tokenizer, _ = load_tokenizer(folder, runner_of(recipe).speaks)
    how = Encoding.of(recipe.data, tokenizer, recipe.training.max_length)
    tokens = encoded_rows(prepared.train, how, Cache(home.cache), prepared.fingerprint)
    return _known(recipe, lengths_at(tokens.encoded, recipe.training.max_length), len(prepared.held_out))


def _known(recipe: Recipe, lengths: Lengths, held_out: int) -> KnownRows:
    training = recipe.training
    packed = training.packing and recipe.task.name == "language-modeling"
    return KnownRows(
        rows=lengths.rows,
        held_out=held_out,
        longest=min(lengths.longest, training.max_length),
        padded=float(training.max_length) if packed else mean_longest(lengths.row_lengths, recipe),
        packed=-(-lengths.seen_tokens // training.max_length) if packed else 0,
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
