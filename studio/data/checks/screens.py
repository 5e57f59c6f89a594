"""Cheap looks at many texts at once: which few of a million deserve an exact look.

All of them work on the bytes of an Arrow column in blocks, so that they need next to no memory of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_BLOCK = 1 << 18
"""Bytes looked at together: few enough to stay in the processor's cache."""

_WORDS = 64
"""The most places of a text, eight bytes each, that a key is made of."""

_STRETCH = 8_192

_MIXER = np.uint64(0x9E3779B97F4A7C15)
_LOWER = np.uint64(0x2020202020202020)
_HALF = np.uint64(29)


@dataclass(frozen=True, eq=False)
class Texts:
    """A column of texts as its bytes: text i is `data[offsets[i]:offsets[i + 1]]` in UTF-8."""

    cells: pa.LargeStringArray

    @classmethod
    def of(cls, column: pa.ChunkedArray | list[str]) -> Texts:
        """Of an Arrow column of texts without nulls, or of a list."""
        if isinstance(column, list):
            return cls(pa.array(column, pa.large_string()))
        if column.type != pa.large_string():
            column = column.cast(pa.large_string())
        return cls(column.chunk(0) if column.num_chunks == 1 else column.combine_chunks())

    def __len__(self) -> int:
        return len(self.cells)

    @cached_property
    def offsets(self) -> np.ndarray:
        buffer = self.cells.buffers()[1]
        if buffer is None or not len(self.cells):
            return np.zeros(len(self.cells) + 1, np.int64)
        return np.frombuffer(buffer, np.int64)[self.cells.offset : self.cells.offset + len(self.cells) + 1]

    @cached_property
    def data(self) -> np.ndarray:
        buffer = self.cells.buffers()[2]
        return np.frombuffer(buffer, np.uint8) if buffer is not None and buffer.size else np.zeros(0, np.uint8)

    @cached_property
    def sizes(self) -> np.ndarray:
        """Bytes of each text."""
        return np.diff(self.offsets)

    @cached_property
    def characters(self) -> np.ndarray:
        """Characters of each text, int64."""
        return pc.utf8_length(self.cells).to_numpy(zero_copy_only=False).astype(np.int64)

    @cached_property
    def beyond_ascii(self) -> np.ndarray:
        """Places of the texts with a character beyond ASCII."""
        return self.places_of(lambda block: block >= 0x80)

    def places_of(
        self, test: Callable[[np.ndarray], np.ndarray], exact: Callable[[np.ndarray], np.ndarray] | None = None
    ) -> np.ndarray:
        """Places of the texts that hold a byte for which `test` is true, rising and each once.

        `test` gets a block of bytes. `exact`, where given, gets the bytes that passed and says which of them count.
        """
        holds = np.zeros(len(self), bool)
        begin, end = (int(self.offsets[0]), int(self.offsets[-1])) if len(self) else (0, 0)
        for start in range(begin, end, _BLOCK):
            block = self.data[start : min(start + _BLOCK + 1, end)]  # one more, for tests of two bytes
            hits = np.flatnonzero(test(block))
            if exact is not None and len(hits):
                hits = hits[exact(block[hits])]
            if len(hits):
                holds[np.searchsorted(self.offsets, hits + start, side="right") - 1] = True
        return np.flatnonzero(holds)

    def matching(self, pattern: str, among: np.ndarray | None = None) -> np.ndarray:
        """Places of the texts in which the RE2 pattern is found; only those `among` are looked at."""
        if among is None:
            return np.flatnonzero(pc.match_substring_regex(self.cells, pattern).to_numpy(zero_copy_only=False))
        if not len(among):
            return among
        cells = self.cells.take(pa.array(among, pa.int64()))
        return among[pc.match_substring_regex(cells, pattern).to_numpy(zero_copy_only=False)]

    def some(self, places: np.ndarray) -> Iterator[tuple[int, str]]:
        """Those places with their texts, a few thousand at a time."""
        for start in range(0, len(places), 4096):
            part = places[start : start + 4096]
            yield from zip(part.tolist(), self.cells.take(pa.array(part, pa.int64())).to_pylist(), strict=True)

    def those(self, places: np.ndarray, test: Callable[[str], object]) -> np.ndarray:
        """The places among these whose text passes an exact test."""
        return np.array([place for place, text in self.some(places) if test(text)], np.int64)

    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """First and last byte of each text; 0 where it is empty."""
        if not self.data.size:
            return np.zeros(len(self), np.uint8), np.zeros(len(self), np.uint8)
        filled, last = self.sizes > 0, len(self.data) - 1
        first_bytes = self.data[np.minimum(self.offsets[:-1], last)]
        last_bytes = self.data[np.clip(self.offsets[1:] - 1, 0, last)]
        return np.where(filled, first_bytes, 0), np.where(filled, last_bytes, 0)

    @cached_property
    def keys(self) -> np.ndarray:
        """A number for each text, uint64: the same for texts that differ in nothing but the case of ASCII letters.

        Other texts seldom share one, yet they may: whoever needs to know compares the texts. All bytes count of a text
        of up to 512 bytes, and as many spread over a longer one.
        """
        if not self.data.size:
            return np.zeros(len(self), np.uint64)
        padded = np.concatenate([self.data[-8:], np.zeros(8, np.uint8)])
        tail = np.ndarray((padded.size - 7,), "<u8", buffer=padded.data, strides=(1,))
        room = max(self.data.size - 7, 0)
        words = np.ndarray((room,), "<u8", buffer=self.data.data, strides=(1,)) if room else tail
        keys = np.empty(len(self), np.uint64)
        for start in range(0, len(self), _STRETCH):
            part = slice(start, start + _STRETCH)
            keys[part] = _keys(words, self.offsets[:-1][part], self.sizes[part])
        near_end = np.flatnonzero((self.offsets[:-1] > len(words) - 1) | (self.sizes < 8))
        keys[near_end] = _short_keys(words, tail, self.offsets[:-1][near_end], self.sizes[near_end], self.data.size)
        return keys


def _keys(words: np.ndarray, firsts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The keys of texts of eight bytes and more; of shorter ones nothing is said."""
    count = np.minimum((sizes + 7) >> 3, _WORDS).astype(np.int16)
    order = np.argsort(-count, kind="stable")
    firsts, room = firsts[order], np.maximum(sizes[order] - 8, 0)
    stride = np.maximum(room // (_WORDS - 1), 8)
    active = np.searchsorted(-count[order], -np.arange(int(count.max(initial=0))), side="left")
    keys = sizes[order].astype(np.uint64) * _MIXER
    last = np.minimum(firsts + room, len(words) - 1)
    places = np.minimum(firsts, last)
    for number in active.tolist():
        mixed = words[places[:number]]
        mixed |= _LOWER
        mixed ^= keys[:number]
        mixed *= _MIXER
        np.bitwise_xor(mixed, mixed >> _HALF, out=keys[:number])
        np.minimum(places[:number] + stride[:number], last[:number], out=places[:number])
    back = np.empty_like(keys)
    back[order] = keys
    return back


def _short_keys(words: np.ndarray, tail: np.ndarray, firsts: np.ndarray, sizes: np.ndarray, end: int) -> np.ndarray:
    """The keys of texts of fewer than eight bytes, which are read with what follows and cut."""
    within = firsts <= end - 8
    at_end = np.clip(firsts - max(end - 8, 0), 0, len(tail) - 1)
    word = np.where(within, words[np.minimum(firsts, len(words) - 1)], tail[at_end])
    mask = (np.uint64(1) << (np.uint64(8) * np.minimum(sizes, 7).astype(np.uint64))) - np.uint64(1)
    keys = (sizes.astype(np.uint64) * _MIXER ^ (word & mask | _LOWER)) * _MIXER
    return keys ^ (keys >> _HALF)


def repeated(keys: np.ndarray) -> np.ndarray:
    """Places whose key another place has too, rising."""
    ordered = np.sort(keys)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(twice):
        return np.zeros(0, np.int64)
    return np.flatnonzero(twice[np.minimum(np.searchsorted(twice, keys), len(twice) - 1)] == keys)


def united(length: int, *places: np.ndarray) -> np.ndarray:
    """The places below `length` that are in any of these, rising and each once."""
    chosen = np.zeros(length, bool)
    for each in places:
        chosen[each] = True
    return np.flatnonzero(chosen)
