"""Columns recognised by what they hold: classes, truth values, conversations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from studio.data.shapes.conversations import parsed
from studio.data.table import Table

LOOK_ROWS = 20_000
"""How many rows are looked at: the first ones, so that a million cost no more."""

MOST_CLASSES = 200
MOST_CLASS_CHARACTERS = 40
ROWS_PER_CLASS = 3
"""A class that does not come back this often is no class."""

MOSTLY_EMPTY = 0.9


def classes(table: Table, column: str) -> list[str]:
    """The different values of a column that holds few short ones, the frequent first; empty where it does not."""
    texts = _filled(table, column)
    if not len(texts) or column in table.nested:
        return []
    counts = texts.value_counts()
    values = counts.field("values")
    if len(values) < 2 or len(values) > min(MOST_CLASSES, len(texts) / ROWS_PER_CLASS):
        return []
    if pc.max(pc.utf8_length(values)).as_py() > MOST_CLASS_CHARACTERS:
        return []
    order = pc.sort_indices(counts.field("counts"), sort_keys=[("", "descending")])
    return [str(value) for value in values.take(order).to_pylist()]


def text_and_label(table: Table) -> tuple[str, str] | None:
    """The column of texts and the column of classes, where the table has one of each and nothing else to speak of."""
    filled = [name for name in table.columns if _filled_share(table, name) > 1 - MOSTLY_EMPTY]
    labels = [name for name in filled if classes(table, name)]
    texts = [name for name in filled if name not in labels and _is_prose(table, name)]
    return (texts[0], labels[0]) if len(filled) == 2 and len(labels) == len(texts) == 1 else None


def is_truth(table: Table, column: str) -> bool:
    """Whether a column holds nothing but true and false."""
    values = pc.utf8_lower(_filled(table, column)).unique().to_pylist()
    return bool(values) and set(values) <= {"true", "false"} and column not in table.nested


def holds(table: Table, column: str, test: Callable[[Any], bool], most: int = 20) -> bool:
    """Whether more than half of the first filled cells of a column pass a test."""
    texts, nested = table.texts(column), table.nested.get(column)
    if nested is not None and len(nested) - nested.null_count > len(texts) - texts.null_count:
        cells = [parsed(text) for text in nested.drop_null().slice(0, most).to_pylist()]
    else:
        cells = [parsed(text) for text in _filled(table, column).slice(0, most).to_pylist()]
    filled = [cell for cell in cells if cell not in ([], {})]
    return bool(filled) and 2 * sum(map(test, filled)) > len(filled)


def _filled(table: Table, column: str) -> pa.ChunkedArray:
    texts = table.texts(column).slice(0, LOOK_ROWS).drop_null()
    return texts.filter(pc.not_equal(pc.utf8_trim_whitespace(texts), ""))


def _filled_share(table: Table, column: str) -> float:
    return len(_filled(table, column)) / max(1, min(len(table), LOOK_ROWS))


def _is_prose(table: Table, column: str) -> bool:
    """Longer texts than classes are, mostly different from each other."""
    texts = _filled(table, column)
    return bool(2 * len(texts.unique()) > len(texts) and pc.mean(pc.utf8_length(texts)).as_py() > 10)
