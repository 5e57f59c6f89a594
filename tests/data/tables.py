"""Tables for tests, made from Python objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from studio.data.table import Table, cells_of


def table(*rows: dict[str, Any], columns: Sequence[str] = (), format: str = "json") -> Table:
    """The table of these rows; its columns are those of the first row unless they are named."""
    names = tuple(columns) or tuple(dict.fromkeys(name for row in rows for name in row))
    cells, nested = cells_of(rows, names)
    return Table(f"a.{format}", cells, format, "utf-8", nested=nested)
