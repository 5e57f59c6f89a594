"""A test put to every text of many examples, some thousands at a time, with how far it has come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from studio.data.checks.screens import Texts
from studio.data.example import BATCH, Examples

Told = Callable[[int], object]
"""Hears how many examples are done."""


def sweep(
    examples: Examples,
    test: Callable[[str], object],
    told: Told,
    screen: str | None = None,
    fields: Sequence[str] = ("prompt", "completion", "rejected", "messages"),
) -> np.ndarray:
    """Places of the examples of which any of these fields passes the test.

    `screen` is an RE2 pattern that every text matches that would pass. Of a conversation the JSON is tested.
    """
    found = np.zeros(len(examples), bool)
    for start, texts in stretches(examples, [name for name in fields if examples.has(name)], told):
        for each in texts:
            places = np.arange(len(each)) if screen is None else each.matching(screen)
            found[start + each.those(places, test)] = True
    return np.flatnonzero(found)


def stretches(examples: Examples, fields: Sequence[str], told: Told) -> Iterator[tuple[int, list[Texts]]]:
    """Where each stretch of examples begins, with its fields."""
    columns = [Texts.of(examples.column(name)).cells for name in fields]
    for start in range(0, len(examples), BATCH):
        yield start, [Texts(column.slice(start, BATCH)) for column in columns]
        told(min(start + BATCH, len(examples)))
