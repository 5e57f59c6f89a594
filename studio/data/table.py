"""A file as it was read: its columns, its rows, their numbers, and what was decided on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from studio.data.findings import Finding

MAX_COLUMNS = 1_000
"""More than these and the names are data themselves (a transposed file, an object whose keys are texts)."""

MAX_ROWS = 5_000_000
"""More rows than any run on one machine goes through once."""

MAX_CELL_CHARACTERS = 10_000_000
"""One cell longer than this is a file in a cell; the longest prompt anyone trains on is a hundredth of it."""

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of a file, in its order, held in columns.

    `cells` has a column of texts (large_string; null where a row has none) for each name in `columns`. A cell that
    holds a list or an object is no text: it is null there, and `nested` has its JSON text, in a column that exists
    only where a column has such cells. `numbers[i]` is the number a person knows row i by: its 1-based place among the
    data rows. A blank line is no row and counts for nothing; a row that could not be read counts and is missing here,
    with a finding that names it.
    """

    name: str
    cells: pa.Table
    format: str
    encoding: str
    delimiter: str | None = None
    notes: tuple[str, ...] = ()
    numbers: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    findings: tuple[Finding, ...] = ()
    nested: dict[str, pa.ChunkedArray] = field(default_factory=dict)
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """What else could have been read, such as {"sheet": ("Sheet1", "Sheet2")}."""

    def __post_init__(self) -> None:
        if not len(self.numbers) and self.cells.num_rows:
            object.__setattr__(self, "numbers", np.arange(1, self.cells.num_rows + 1))
        assert len(self.numbers) == self.cells.num_rows, "each row has a number"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns' names, in the file's order."""
        return tuple(self.cells.column_names)

    def __len__(self) -> int:
        return self.cells.num_rows

    @property
    def total(self) -> int:
        """How many data rows the file has, those included that could not be read."""
        return len(self) + sum(finding.count for finding in self.findings if finding.left_out)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What is worth keeping of the file beside its rows, ready for JSON."""
        return {
            "name": self.name,
            "format": self.format,
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "rows": self.total,
            "columns": list(self.columns),
            "notes": list(self.notes),
        }

    def texts(self, column: str) -> pa.ChunkedArray:
        """The texts of one column; null where there is none."""
        return self.cells[column]

    def some(self, places: Sequence[int]) -> list[Row]:
        """The rows at these places as {column: text, list, object or None}."""
        chosen = pa.array(places, pa.int64())
        columns = {name: self.cells[name].take(chosen).to_pylist() for name in self.columns}
        for name, texts in self.nested.items():
            for i, text in enumerate(texts.take(chosen).to_pylist()):
                if text is not None:
                    columns[name][i] = json.loads(text)
        return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]

    @property
    def rows(self) -> Iterator[Row]:
        """Every row, a few thousand at a time."""
        for start in range(0, len(self), 5000):
            yield from self.some(range(start, min(start + 5000, len(self))))


def text_of(cell: Any) -> str | None:
    """A cell as the text that is trained on, or None for a list or an object, which is no text.

    An empty cell is an empty text; true and false stay as JSON writes them.
    """
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return None if isinstance(cell, (list, dict)) else str(cell)


def preview(cell: Any, most: int = 200) -> str:
    """A cell as the page may show it: never longer than `most`, and no walk through something nested."""
    text = text_of(cell)
    if text is None:
        return f"(a list of {len(cell):,})" if isinstance(cell, list) else f"(an object with {len(cell):,} keys)"
    return text if len(text) <= most else text[: most - 1] + "…"
