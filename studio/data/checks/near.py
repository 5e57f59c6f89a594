"""Examples that say nearly the same: MinHash names the candidates, their own words decide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from studio.data.checks.screens import Texts
from studio.data.checks.shingles import Words, words
from studio.data.example import Examples
from studio.data.memory import give_back

NEAR = 0.8
"""The share of word groups that two examples have in common from which on they count as nearly the same."""

FEW_WORDS = 10
"""Shorter examples are nearly the same only where all words are: of "2 + 3" and "2 + 4" every word counts."""

COMMON_SHARE, COMMON_ROWS = 0.01, 20
"""Word groups in more examples than this belong to a template, and say nothing of what is put into it."""

_SEED = 20_261_121
_BANDS, _BAND = 12, 3
_AGREED = 2
"""Twelve bands of three numbers, and two bands that agree make a candidate: of pairs with a likeness of 0.8 one in four
hundred is overlooked, of those with 0.5 four in ten are looked at."""

_SAMPLE = 20_000
_BUCKETS = 1 << 20
_PAIRS = 5_000
_TIDY, _TIDY_PAIRS = 50_000, 4
"""Examples, and stretches of pairs, after which what was freed in small pieces goes back to the system."""

_STRETCH = 2_000
"""Examples looked at together: few enough to stay in the processor's cache."""


def near_groups(
    examples: Examples, threshold: float = NEAR, told: Callable[[int], object] = lambda done: None
) -> np.ndarray:
    """The group of each example, int64: the place of its first member. Alone, it is in a group of its own.

    In one group are examples with the same words, and those of at least ten words that share `threshold` of their
    groups of three words, of those that belong to no template, of their numbers, and of their answer's words: several
    questions about one text are no duplicates. Which examples are together does not depend on their order. `told`
    hears how many examples are done.
    """
    said = _Said.of(examples)
    common = _common(said)
    groups, long, candidates = _paired(said, common, told)
    give_back()
    links = _links(said, long, candidates, common, threshold)
    joined = _components(groups[links], int(groups.max(initial=-1)) + 1)
    return _by_first(joined[groups])


def _paired(
    said: _Said, common: np.ndarray, told: Callable[[int], object]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The group of equal examples that each is in, the places that are looked at closely, and the pairs of them."""
    wholes, lengths, keys = _signatures(said, common, told)
    _, firsts, groups = np.unique(wholes, return_index=True, return_inverse=True)
    long = firsts[lengths[firsts] >= FEW_WORDS]  # in the order of their hashes, which is nobody's order
    return groups, long, _candidates(keys, long)


def _links(said: _Said, long: np.ndarray, candidates: np.ndarray, common: np.ndarray, threshold: float) -> np.ndarray:
    """The candidates that say nearly the same, as pairs of places."""
    links = [np.zeros((0, 2), np.int64)]
    for number, start in enumerate(range(0, len(candidates), _PAIRS)):
        part = long[np.stack(np.divmod(candidates[start : start + _PAIRS], len(long)), axis=1)]
        links.append(part[_alike(said, part, common, threshold)])
        if number % _TIDY_PAIRS == 0:
            give_back()
    give_back()
    return np.concatenate(links)


@dataclass(frozen=True, eq=False)
class _Said:
    """What each example says, as one text: a conversation's JSON, else prompt and completion."""

    prompts: Texts
    completions: Texts
    messages: Texts | None
    order: np.ndarray | None
    """The places in these columns that count, in their order: no text is copied to leave some out. None: all."""

    @classmethod
    def of(cls, examples: Examples) -> _Said:
        table = examples.table
        messages = Texts.of(table["messages"]) if examples.has("messages") else None
        return cls(Texts.of(table["prompt"]), Texts.of(table["completion"]), messages, examples.order)

    def __len__(self) -> int:
        return len(self.prompts) if self.order is None else len(self.order)

    @cached_property
    def keys(self) -> np.ndarray:
        """A number for each example, the same for the same text."""
        keys = self.prompts.keys * np.uint64(1_000_003) + self.completions.keys
        if self.messages is not None:
            keys = keys * np.uint64(1_000_003) + self.messages.keys
        return keys if self.order is None else keys[self.order]

    def words(self, places: np.ndarray | slice) -> Words:
        """The words of the examples at some places."""
        end = pa.scalar("\n", pa.large_string())
        pair = pc.binary_join_element_wise(self._some(self.prompts, places), self._some(self.completions, places), end)
        if self.messages is None:
            return words(pair)
        spoken = self._some(self.messages, places)
        return words(pc.if_else(pc.equal(spoken, ""), pair, spoken))

    def answers(self, places: np.ndarray) -> Words:
        """The words of their answers alone."""
        return words(self._some(self.completions, places))

    def _some(self, texts: Texts, places: np.ndarray | slice) -> pa.LargeStringArray:
        if self.order is not None:
            places = self.order[places]
        return texts.cells[places] if isinstance(places, slice) else texts.cells.take(pa.array(places, pa.int64()))


def _common(said: _Said) -> np.ndarray:
    """For each bucket of word groups, whether it is in so many examples that it belongs to a template."""
    counts = np.zeros(_BUCKETS, np.int32)
    _, places = np.unique(said.keys, return_index=True)
    sample = places[:: max(1, len(places) // _SAMPLE)]  # of a hash's order, so that the file's order is no matter
    for start in range(0, len(sample), _STRETCH):
        np.add.at(counts, _bucket(said.words(sample[start : start + _STRETCH]).shingles[0]), 1)
    return counts > max(COMMON_ROWS, COMMON_SHARE * len(sample))


def _signatures(
    said: _Said, common: np.ndarray, told: Callable[[int], object]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each example: a number for its words as a whole, how many they are, and its bands, uint32 (places, bands)."""
    from rensa import RMinHash

    wholes, lengths = np.zeros(len(said), np.uint64), np.zeros(len(said), np.int32)
    keys = np.zeros((len(said), _BANDS), np.uint32)
    for start in range(0, len(said), _STRETCH):
        part = slice(start, min(start + _STRETCH, len(said)))
        found = said.words(part)
        wholes[part], lengths[part] = found.wholes, found.lengths
        shingles, owners = _rare(found, common)
        bounds = np.searchsorted(owners, np.arange(found.count + 1)).astype(np.uint64)
        made = RMinHash.digest_matrix_from_flat_token_hashes(shingles, bounds, _BANDS * _BAND, _SEED)
        digests = np.array(made.to_rows(), np.uint64).reshape(found.count, _BANDS, _BAND)
        mixed = (digests[:, :, 0] * np.uint64(1_000_003) + digests[:, :, 1]) * np.uint64(1_000_003) + digests[:, :, 2]
        bands = ((mixed * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)).astype(np.uint32)
        alone = np.flatnonzero(bounds[1:] == bounds[:-1])
        bands[alone] = (start + alone)[:, None]  # nothing but template: a band of its own
        keys[part] = bands
        told(part.stop)
        if start % _TIDY == 0:
            give_back()
    return wholes, lengths, keys


def _candidates(keys: np.ndarray, long: np.ndarray) -> np.ndarray:
    """Pairs of positions in `long` that share a band, each pair as one number: each position with its neighbour in the
    band and with the band's first. Never squared."""
    some = len(long)
    found = np.zeros(0, np.int64)
    for band in range(_BANDS):
        order = np.lexsort((np.arange(some), keys[long, (band + 1) % _BANDS], keys[long, band])).astype(np.int32)
        key = keys[long[order], band]
        same = np.flatnonzero(key[1:] == key[:-1]).astype(np.int32)
        first = np.append(True, key[1:] != key[:-1])
        heads = np.maximum.accumulate(np.where(first, np.arange(some, dtype=np.int32), np.int32(0)))
        for before in (same, heads[same + 1]):
            one, other = _agreed(keys, long, order[before], order[same + 1])
            found = np.sort(np.concatenate([found, np.minimum(one, other) * some + np.maximum(one, other)]))
            found = found[np.append(True, found[1:] != found[:-1])[: len(found)]]  # np.unique takes ten times the room
        give_back()
    return found


def _agreed(keys: np.ndarray, long: np.ndarray, one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Those of the pairs of positions in `long` that share enough bands, int64."""
    agreed = np.zeros(len(one), bool)
    for start in range(0, len(one), _PAIRS):
        part = slice(start, start + _PAIRS)
        agreed[part] = np.count_nonzero(keys[long[one[part]]] == keys[long[other[part]]], axis=1) >= _AGREED
    return one[agreed].astype(np.int64), other[agreed].astype(np.int64)


def _alike(said: _Said, pairs: np.ndarray, common: np.ndarray, threshold: float) -> np.ndarray:
    """Which of these pairs of places say nearly the same, bool."""
    places, position = np.unique(pairs, return_inverse=True)
    position = position.reshape(pairs.shape)
    sets = said.words(places)
    alike = np.ones(len(pairs), bool)
    answers = said.answers(places)
    for values, owners in (_rare(sets, common), sets.shingles, sets.numbers, (answers.hashes, answers.owners)):
        still = np.flatnonzero(alike)
        alike[still] = _jaccard(values, owners, sets.count, position[still]) >= threshold
    return alike


def _jaccard(values: np.ndarray, owners: np.ndarray, count: int, pairs: np.ndarray) -> np.ndarray:
    """The share that the sets of each pair have in common; 1 where both are empty.

    Everything goes into one number, (pair, value, side), so that one sort puts what both sides have together.
    """
    sizes = np.bincount(owners, minlength=count)
    begins = np.cumsum(sizes) - sizes
    marked = [np.zeros(0, np.uint64)]
    for side in (0, 1):
        of_side = pairs[:, side]
        ids = np.repeat(np.arange(len(pairs), dtype=np.uint64), sizes[of_side])
        taken = values[_ranges(begins[of_side], sizes[of_side])] >> np.uint64(25)
        marked.append((ids << np.uint64(40)) | (taken << np.uint64(1)) | np.uint64(side))
    every = np.sort(np.concatenate(marked))
    every = every[np.append(True, every[1:] != every[:-1])[: len(every)]]
    total = np.bincount((every >> np.uint64(40)).astype(np.int64), minlength=len(pairs))
    shared = every[1:][(every[1:] >> np.uint64(1)) == (every[:-1] >> np.uint64(1))]
    both = np.bincount((shared >> np.uint64(40)).astype(np.int64), minlength=len(pairs))
    return np.where(total > 0, both / np.maximum(total - both, 1), 1.0)


def _ranges(begins: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """begin, begin + 1, … for `size` numbers, of each in turn."""
    return np.repeat(begins - (np.cumsum(sizes) - sizes), sizes) + np.arange(sizes.sum())


def _rare(found: Words, common: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The word groups that belong to no template, and the text of each."""
    shingles, owners = found.shingles
    rare = ~common[_bucket(shingles)]
    return shingles[rare], owners[rare]


def _bucket(shingles: np.ndarray) -> np.ndarray:
    return (shingles & np.uint64(_BUCKETS - 1)).astype(np.int64)


def _components(links: np.ndarray, count: int) -> np.ndarray:
    """The component of each of `count` things, by the pairs of them that are linked."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(links), bool), (links[:, 0], links[:, 1])), shape=(count, count))
    return connected_components(graph, directed=False)[1]


def _by_first(groups: np.ndarray) -> np.ndarray:
    """Each group named by the place of its first member."""
    _, firsts, inverse = np.unique(groups, return_index=True, return_inverse=True)
    return firsts[inverse].astype(np.int64)
