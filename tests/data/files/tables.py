"""Tables for tests, made from Python objects."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from studio.data.table import Table, text_of


def table(*rows: dict[str, Any], columns: Sequence[str] = (), format: str = "json") -> Table:
    """The table of these rows; its columns are those of any row unless they are named."""
    names = tuple(columns) or tuple(dict.fromkeys(name for row in rows for name in row))
    cells = {name: [row.get(name) for row in rows] for name in names}
    texts = {
        name: pa.array([None if cell is None else text_of(cell) for cell in column], pa.large_string())
        for name, column in cells.items()
    }
    nested = {
        name: pa.chunked_array(
            [[json.dumps(cell) if isinstance(cell, (list, dict)) else None for cell in column]], pa.large_string()
        )
        for name, column in cells.items()
        if any(isinstance(cell, (list, dict)) for cell in column)
    }
    return Table(f"a.{format}", pa.table(texts), format, "utf-8", nested=nested)
