"""Texts as sets of numbers, one for every three words in a row: thousands of texts at once, in numpy.

A word is a run of letters and digits; each sign of arithmetic and each Chinese, Japanese or Korean letter is one too.
Case and punctuation count for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from studio.data.checks.screens import Texts

SHINGLE = 3

_TURNS = np.array([0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93, 0x9E3779B97F4A7C15], np.uint64)
_INSIDE, _SIGN, _LETTER = 1, 2, 4
_CLASS = np.zeros(256, np.uint8)
"""What a byte is: within a word, a word as a sign, the first of three bytes of a letter that is a word."""
_CLASS[list(b"abcdefghijklmnopqrstuvwxyz0123456789_")] = _INSIDE
_CLASS[list(b"+-*/=<>%$#@&|^~")] = _INSIDE | _SIGN
_CLASS[0x80:] = _INSIDE
_CLASS[0xE3:0xEE] |= _LETTER
_MASKS = np.array([(1 << 8 * size) - 1 for size in range(9)], np.uint64)


@dataclass(frozen=True, eq=False)
class Words:
    """The words of several texts in a row: `hashes[i]` stands in text `owners[i]`, and may hold a digit."""

    count: int
    hashes: np.ndarray
    owners: np.ndarray
    numeric: np.ndarray

    @cached_property
    def lengths(self) -> np.ndarray:
        """How many words each text has."""
        return np.bincount(self.owners, minlength=self.count)

    @cached_property
    def wholes(self) -> np.ndarray:
        """A number for each text as a whole, uint64: the same words in the same order give the same one."""
        ranks = np.arange(len(self.hashes)) - np.repeat(np.cumsum(self.lengths) - self.lengths, self.lengths)
        placed = _mixed(self.hashes + (ranks.astype(np.uint64) + np.uint64(1)) * _TURNS[1])
        return _mixed(_sums(placed, self.owners, self.count) + self.lengths.astype(np.uint64))

    @cached_property
    def shingles(self) -> tuple[np.ndarray, np.ndarray]:
        """Each three words in a row: numbers (uint64) and the text of each, in the texts' order."""
        last = len(self.hashes) - SHINGLE + 1
        if last <= 0:
            return np.zeros(0, np.uint64), np.zeros(0, np.int64)
        within = self.owners[:last] == self.owners[SHINGLE - 1 :]
        joined = np.sum([self.hashes[n : last + n] * _TURNS[n] for n in range(SHINGLE)], axis=0)
        return _mixed(joined[within]), self.owners[:last][within]

    @cached_property
    def numbers(self) -> tuple[np.ndarray, np.ndarray]:
        """The words with a digit, and the text of each."""
        return self.hashes[self.numeric], self.owners[self.numeric]


def words(cells: pa.LargeStringArray) -> Words:
    """The words of these texts, some thousands of them at most."""
    is_ascii = pc.all(pc.string_is_ascii(cells)).as_py()
    texts = Texts(pc.ascii_lower(cells) if is_ascii else pc.utf8_lower(cells))
    begin, end = int(texts.offsets[0]), int(texts.offsets[-1])
    data = texts.data[begin:end]
    bounds = texts.offsets - begin
    if not len(data):
        return Words(len(texts), np.zeros(0, np.uint64), np.zeros(0, np.int64), np.zeros(0, bool))
    starts, ends = _bounds(data, bounds[:-1][bounds[:-1] < len(data)])
    owners = np.repeat(np.arange(len(texts)), np.diff(np.searchsorted(starts, bounds)))
    numeric = np.zeros(len(starts), bool)
    numeric[np.searchsorted(starts, np.flatnonzero((data >= 0x30) & (data <= 0x39)), side="right") - 1] = True
    return Words(len(texts), _hashes(data, starts, ends - starts), owners, numeric)


def _hashes(data: np.ndarray, starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """A number for each word: all its bytes up to sixteen, of longer ones eight at either end and in the middle."""
    padded = np.concatenate([data, np.zeros(8, np.uint8)])
    eights = np.ndarray((len(data) + 1,), "<u8", buffer=padded.data, strides=(1,))
    room = np.maximum(sizes - 8, 0)
    mask = _MASKS[np.minimum(sizes, 8)]
    hashes = (eights[starts] & mask) * _TURNS[0] + sizes.astype(np.uint64)
    long = np.flatnonzero(room)
    last, middle = eights[starts[long] + room[long]], eights[starts[long] + room[long] // 2]
    hashes[long] = (_mixed(hashes[long]) + last) * _TURNS[2] + middle * _TURNS[3]
    return _mixed(hashes)


def _bounds(data: np.ndarray, firsts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where words begin and end, as bytes. `firsts` are the first bytes of the texts: no word goes beyond one."""
    classes = _CLASS[data]
    inside = classes != 0
    begins = classes >= _SIGN
    begins[1:] |= inside[1:] & (~inside[:-1] | (classes[:-1] & _SIGN).astype(bool))
    begins[3:] |= inside[3:] & (classes[:-3] & _LETTER).astype(bool)  # three bytes on, such a letter is over
    begins[firsts] |= inside[firsts]
    ends = inside.copy()
    ends[:-1] &= begins[1:] | ~inside[1:]
    return np.flatnonzero(begins), np.flatnonzero(ends) + 1


def _mixed(values: np.ndarray) -> np.ndarray:
    values = (values ^ (values >> np.uint64(30))) * _TURNS[0]
    values = (values ^ (values >> np.uint64(27))) * _TURNS[1]
    return values ^ (values >> np.uint64(31))


def _sums(values: np.ndarray, owners: np.ndarray, count: int) -> np.ndarray:
    """The sum for each owner, modulo 2**64. Owners rise."""
    totals = np.concatenate([np.zeros(1, np.uint64), np.cumsum(values)])
    bounds = np.searchsorted(owners, np.arange(count + 1))
    return totals[bounds[1:]] - totals[bounds[:-1]]
