"""When the quick JSON parser reads exactly what the exact one would: the tests it has to pass, a block at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from typing import Any

import orjson

from studio.data.files.json_exact import MAX_DEPTH
from studio.data.table import Row

_NESTING = frozenset({dict, list})
_SAME_IN_BOTH = frozenset({str, type(None), bool, int, *_NESTING})

_MINUS_ZERO = re.compile(rb"-0(?=[\s,}\]])")


def quick_value(data: bytes) -> Any:
    """The value of a JSON text by the quick parser; None where it finds none."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None


def clean_rows(lines: list[bytes], block: bytes) -> list[Row] | None:
    """The objects of all lines of a block; None where any line needs a closer look."""
    try:
        rows = list(map(orjson.loads, lines))
    except orjson.JSONDecodeError:
        return None
    return rows if is_exact(rows, block) else None


def clean_row(line: bytes) -> Row | None:
    """The object of one line; None where the quick parser finds none, or may not read it exactly."""
    row = quick_value(line)
    return row if is_exact([row], line) else None


def is_exact(rows: Sequence[Any], data: bytes) -> bool:
    """Whether these values, read by the quick parser, are objects that the exact parser reads in the same way.

    Fractions may be written as no program would write them (3.10): where there are some, the rows have to be the very
    same bytes when they are written again. Minus zero would lose its sign. And an object that gives a name twice has
    fewer quotes when it is written again than `data` has; where all values are texts, each has four, its name's and its
    own.
    """
    if set(map(type, rows)) != {dict}:
        return False
    if set(map(type, chain.from_iterable(map(dict.values, rows)))) == {str}:
        return _quotes(data) == 4 * sum(map(len, rows))
    kinds = _kinds(rows)
    if not kinds <= _SAME_IN_BOTH:
        return kinds - {float} <= _SAME_IN_BOTH and _bare(orjson.dumps(rows)[1:-1]) == _bare(data)
    return not _MINUS_ZERO.search(data) and _quotes(data) == _quotes(orjson.dumps(rows))


def _kinds(rows: Sequence[Any]) -> set[type]:
    """The types of all values in these objects, on every level; with `object` where they nest too deep."""
    kinds: set[type] = set()
    groups = rows
    for _ in range(MAX_DEPTH):
        cells = list(chain.from_iterable(each.values() if type(each) is dict else each for each in groups))
        found = set(map(type, cells))
        kinds |= found
        if not found & _NESTING:
            return kinds
        groups = [cell for cell in cells if type(cell) in _NESTING]
    return kinds | {object}


def _quotes(data: bytes) -> int:
    """How many quotes stand around names and texts, not in them."""
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    return data.count(b'"')


def _bare(data: bytes) -> bytes:
    """Without the blanks that programs put between names and values, and with commas between lines."""
    return data.strip().replace(b": ", b":").replace(b", ", b",").replace(b"\n", b",")
