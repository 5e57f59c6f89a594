"""How far apart two sets of rows are, measured against chance: the same rows, shuffled together and parted anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array

DRAWS = 400
SEED = 0
BY_CHANCE = 99  # percent of what chance does that lies below `Apart.chance_high`
AT_ONCE = 50  # draws counted together: bounds the memory that a large vocabulary takes
MOST_WORDS = 20_000  # of a vocabulary; what is rarer counts as one word
SMOOTHING = 0.5  # rows added to each class, so that one without rows has a share (Jeffreys)

Distance = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From two tables of counts (a line each draw, a column each bin) to a distance for each line."""


@dataclass(frozen=True)
class Apart:
    """How far apart two sets are, and how far they are when their rows are shuffled together and parted by chance:
    usually, and at most in 99 of 100."""

    distance: float
    chance: float
    chance_high: float

    @property
    def beyond_chance(self) -> float:
        """The distance less that of chance; at or below 0 where chance explains all of it."""
        return self.distance - self.chance


def apart(known: csr_array, new: csr_array, distance: Distance) -> Apart:
    """Compare two sets of rows, each given as counts: a line each row, a column each bin.

    The distance between two small samples is above 0 even where both come from one source. So all rows are shuffled
    together and parted anew, `DRAWS` times, with sizes as they are: a permutation test (Fisher 1935, "The Design of
    Experiments", section 21; Good 2005, "Permutation, Parametric, and Bootstrap Tests of Hypotheses").
    """
    from scipy.sparse import vstack

    chance = np.random.default_rng(SEED)
    rows = vstack([new, known]).tocsr()
    every, size = np.asarray(rows.sum(axis=0), dtype=np.float64), new.shape[0]
    null = np.concatenate(
        [
            distance(inside, every - inside)
            for _ in range(DRAWS // AT_ONCE)
            for inside in [_parts(chance, rows.shape[0], size) @ rows]
        ]
    )
    here = np.asarray(new.sum(axis=0), dtype=np.float64)[None, :]
    found = float(distance(here, every - here)[0])
    return Apart(found, float(np.median(null)), float(np.percentile(null, BY_CHANCE)))


def _parts(chance: np.random.Generator, rows: int, size: int) -> np.ndarray:
    """`AT_ONCE` lines that each have a 1 at `size` of the rows."""
    chosen = np.zeros((AT_ONCE, rows))
    for line in chosen:
        line[chance.permutation(rows)[:size]] = 1
    return chosen


def one_each(values: Sequence[float] | Sequence[str], bins: Sequence[float] | Sequence[str]) -> csr_array:
    """A 1 for each row in the column of its value; `bins` holds every value there is."""
    from scipy.sparse import csr_array

    place = {value: at for at, value in enumerate(bins)}
    columns = [place[value] for value in values]
    return csr_array((np.ones(len(columns)), (range(len(columns)), columns)), shape=(len(columns), len(bins)))


def word_counts(known: Sequence[Sequence[str]], new: Sequence[Sequence[str]]) -> tuple[csr_array, csr_array]:
    """How often each word is in each row, over one vocabulary; beyond `MOST_WORDS` the rarest share a column."""
    vocabulary: dict[str, int] = {}
    for row in (*known, *new):
        for word in row:
            vocabulary[word] = vocabulary.get(word, 0) + 1
    often = sorted(vocabulary, key=lambda word: (-vocabulary[word], word))[:MOST_WORDS]
    place = {word: at for at, word in enumerate(often)}
    return _counted(known, place), _counted(new, place)


def _counted(rows: Sequence[Sequence[str]], place: dict[str, int]) -> csr_array:
    from scipy.sparse import csr_array

    lines = [at for at, row in enumerate(rows) for _ in row]
    columns = [place.get(word, len(place)) for row in rows for word in row]
    return csr_array((np.ones(len(columns)), (lines, columns)), shape=(len(rows), len(place) + 1))


def _shares(counts: np.ndarray) -> np.ndarray:
    return np.asarray(counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1e-12))


def kolmogorov_smirnov(counts: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The largest gap between two cumulative distributions over ordered bins, in [0, 1].

    Smirnov 1939, "On the estimation of the discrepancy between empirical curves of distribution for two independent
    samples", Bull. Math. Univ. Moscou 2(2); as scipy.stats.ks_2samp.
    """
    gaps = np.cumsum(_shares(counts), axis=-1) - np.cumsum(_shares(others), axis=-1)
    return np.asarray(np.abs(gaps).max(axis=-1))


def jensen_shannon(counts: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The Jensen-Shannon divergence of two distributions, in bits: 0 where they are equal, 1 where they share nothing.

    Lin 1991, "Divergence measures based on the Shannon entropy", IEEE Trans. Inf. Theory 37(1), section IV.
    """
    one, other = _shares(counts), _shares(others)
    middle = (one + other) / 2
    return np.maximum(0.0, _entropy(middle) - (_entropy(one) + _entropy(other)) / 2)


def _entropy(shares: np.ndarray) -> np.ndarray:
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    return np.asarray(-(shares * logs).sum(axis=-1))


def stability_index(counts: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The population stability index of two distributions over classes, in nats: the sum of (p - q) ln(p / q).

    Siddiqi 2006, "Credit Risk Scorecards"; it is the divergence J of Jeffreys 1946. Half a row is added to each class.
    """
    one, other = _shares(counts + SMOOTHING), _shares(others + SMOOTHING)
    return np.asarray(((one - other) * np.log(one / other)).sum(axis=-1))
