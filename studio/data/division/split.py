"""Rows set aside to score a model on, and the fingerprint of rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from studio.data.example import Examples, asked_text, plain
from studio.errors import StudioError

SplitBy = Literal["prompt", "group", "label"]

Link = tuple[np.ndarray, np.ndarray | None]
"""Ids, one an example, and which of them count (None: all of them)."""

FINGERPRINTED = ("messages", "tools", "rejected", "label")
"""What is trained on or scored beside prompt and completion; where a row came from changes nothing."""


def split(
    examples: Examples, share: float, seed: int, by: SplitBy = "prompt", together: np.ndarray | None = None
) -> tuple[Examples, Examples]:
    """The examples to train on and the examples held out, each in the order given; see `is_held_out`."""
    held = is_held_out(examples, share, seed, by, together)
    return examples.take(np.flatnonzero(~held)), examples.take(np.flatnonzero(held))


def is_held_out(
    examples: Examples, share: float, seed: int, by: SplitBy = "prompt", together: np.ndarray | None = None
) -> np.ndarray:
    """Which examples are held out: bool, one an example.

    Examples whose prompts differ in nothing but case and spacing stay on one side, and so do those with the same id in
    `together` (int64, one an example; see near.near_groups). By "group", all examples of a group stay on one side too;
    by "label", every class is held out by the same share, as near as that allows, and none as a whole. Which side it
    is depends on texts and seed alone: not on the order of rows, the machine or the version of Python. With a share
    above zero and two different prompts or more (two groups, a class that can be parted), each side has an example.

    Raises StudioError for a share below 0, or of 1 and more, and where no example has the group or label asked for.
    """
    if not 0 <= share < 1:
        raise StudioError(
            f"The held-out share is {share}, and it has to be at least 0 and below 1. Set 0.1 to hold out every tenth "
            "row, or 0 to hold out none."
        )
    if share == 0 or not len(examples):
        return np.zeros(len(examples), bool)
    _require_column(examples, by)
    units = _units(examples, seed, by, together)
    classes = np.unique(_name_keys(examples.column("label"), seed), return_inverse=True)[1] if by == "label" else None
    return _held_units(units, classes, share)[units]


def fingerprint(examples: Examples) -> str:
    """SHA-256 over the texts in their order, whatever the rows' numbers: the same rows are the same data."""
    digest = hashlib.sha256()
    if examples.type == "language modeling":
        digest.update(b'"language modeling"\n')
    more = [name for name in FINGERPRINTED if examples.has(name)]
    for batch in examples.batches("prompt", "completion", *more):
        for prompt, completion, *rest in zip(*batch, strict=True):
            said = {name: text for name, text in zip(more, rest, strict=True) if text}
            row = [prompt, completion, said] if said else [prompt, completion]
            digest.update(json.dumps(row, separators=(",", ":")).encode("ascii") + b"\n")
    return digest.hexdigest()


def prompt_keys(examples: Examples, seed: int = 0) -> np.ndarray:
    """A number (uint64) an example, equal where prompts differ in nothing but case and spacing."""
    asked = (
        plain(asked_text(*said))
        for batch in examples.batches("prompt", "completion", "messages")
        for said in zip(*batch, strict=True)
    )
    return _keys(asked, len(examples), seed)


def bound(examples: Examples, near: np.ndarray) -> np.ndarray:
    """An id (int64) an example, equal where prompts are the same, near-duplicates, or both by way of others."""
    return _joined(prompt_keys(examples), [(near, None)])


def _require_column(examples: Examples, by: SplitBy) -> None:
    if by != "prompt" and not examples.has(by):
        raise StudioError(
            f"The split is to go by {by}, but no {by} column is chosen. Choose the column that holds each row's {by}, "
            "or split by prompt."
        )


def _units(examples: Examples, seed: int, by: SplitBy, together: np.ndarray | None) -> np.ndarray:
    """The number of the unit that each example belongs to: what cannot be parted, in the order it is drawn."""
    prompts = prompt_keys(examples, seed)
    ids = prompts
    links: list[Link] = [] if together is None else [(together, None)]
    if by == "group":
        groups = examples.column("group")
        named = pc.not_equal(groups, "").to_numpy()
        group_keys = _name_keys(groups, seed)
        links.append((group_keys, named))
        ids = np.where(named, group_keys, prompts)
    members = _joined(prompts, links)
    place = np.full(members.max() + 1, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(place, members, ids)
    rank = np.empty(len(place), np.int64)
    rank[np.argsort(place, kind="stable")] = np.arange(len(place))
    return rank[members]


def _joined(first: np.ndarray, links: list[Link]) -> np.ndarray:
    """The number of each example's set, where examples that share an id in any of the arrays are in one set."""
    names, codes = np.unique(first, return_inverse=True)
    if not links:
        return codes
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    nodes, ends, others = len(names), [], []
    for ids, counts in links:
        here = np.flatnonzero(counts) if counts is not None else np.arange(len(ids))
        names, linked = np.unique(ids[here], return_inverse=True)
        ends.append(codes[here])
        others.append(linked + nodes)
        nodes += len(names)
    edges = (np.concatenate(ends), np.concatenate(others))
    graph = coo_array((np.ones(len(edges[0]), np.int8), edges), shape=(nodes, nodes))
    found = connected_components(graph, directed=False)[1][codes]
    return np.unique(found, return_inverse=True)[1]


def _held_units(units: np.ndarray, classes: np.ndarray | None, share: float) -> np.ndarray:
    """Which units are held out (bool, one a unit): in their order, as long as each class of theirs has room."""
    number = int(units.max()) + 1
    held = np.zeros(number, bool)
    if number < 2:
        return held
    if classes is None:
        classes = np.zeros(len(units), np.int64)
    sizes = np.bincount(classes)
    parts = _Parts(units, classes)
    room = _targets(sizes, share).tolist()
    most = (sizes - 1).tolist()
    left = sum(room)
    for unit, counts in parts.each():
        if all(count <= room[label] for label, count in counts):
            held[unit] = True
            for label, count in counts:
                room[label] -= count
                most[label] -= count
                left -= count
        if not left:
            break
    if len(sizes) > 1:
        _fill(held, parts, room, most)
    if not held.any():
        _hold_smallest(held, parts, most)
    return held


class _Parts:
    """How many examples of each class a unit has."""

    def __init__(self, units: np.ndarray, classes: np.ndarray) -> None:
        width = int(classes.max()) + 1
        codes, counts = np.unique(units * width + classes, return_counts=True)
        self._classes, self._counts = codes % width, counts
        self._starts = np.searchsorted(codes // width, np.arange(units.max() + 2))

    def each(self) -> Iterator[tuple[int, list[tuple[int, int]]]]:
        """Units in their order, each with its (class, examples)."""
        for start in range(0, len(self._starts) - 1, 10_000):
            starts = self._starts[start : start + 10_001].tolist()
            first, last = starts[0], starts[-1]
            pairs = list(zip(self._classes[first:last].tolist(), self._counts[first:last].tolist(), strict=True))
            for place in range(len(starts) - 1):
                yield start + place, pairs[starts[place] - first : starts[place + 1] - first]


def _targets(sizes: np.ndarray, share: float) -> np.ndarray:
    """How many examples of each class are to be held out, by largest remainders; none of a class of one."""
    whole = np.where(sizes > 1, sizes, 0)
    exact = whole * share
    targets = np.minimum(np.floor(exact), np.maximum(whole - 1, 0)).astype(np.int64)
    total = max(1, round(float(whole.sum() * share)))
    rest = np.where(targets < whole - 1, exact - targets, -1.0)
    largest = np.argsort(-rest, kind="stable")[: max(0, total - int(targets.sum()))]
    targets[largest[rest[largest] >= 0]] += 1
    return targets


def _fill(held: np.ndarray, parts: _Parts, room: list[int], most: list[int]) -> None:
    """Holds out further units that overshoot a little, where that brings classes nearer to their share."""
    for unit, counts in parts.each():
        gain = sum(abs(room[label]) - abs(room[label] - count) for label, count in counts)
        if not held[unit] and gain > 0 and all(count <= most[label] for label, count in counts):
            held[unit] = True
            for label, count in counts:
                room[label] -= count
                most[label] -= count


def _hold_smallest(held: np.ndarray, parts: _Parts, most: list[int]) -> None:
    """Holds out the smallest unit that leaves each class something to train on, where there is one."""
    can_go = (
        (sum(count for _, count in counts), unit)
        for unit, counts in parts.each()
        if all(count <= most[label] for label, count in counts)
    )
    smallest = min(can_go, default=None)
    if smallest is not None:
        held[smallest[1]] = True


def _name_keys(names: pa.ChunkedArray, seed: int) -> np.ndarray:
    """A number (uint64) for each name, equal where names are."""
    coded = names.combine_chunks().dictionary_encode()
    keys = _keys(coded.dictionary.to_pylist(), len(coded.dictionary), seed)
    return keys[coded.indices.to_numpy()]


def _keys(texts: Iterable[str], number: int, seed: int) -> np.ndarray:
    """The first 8 bytes of each text's SHA-256: among a million texts, two are the same once in 40 million cases."""
    salt = f"{seed}\n"
    first = (
        int.from_bytes(hashlib.sha256((salt + text).encode("utf-8", "surrogatepass")).digest()[:8], "big")
        for text in texts
    )
    return np.fromiter(first, np.uint64, number)
