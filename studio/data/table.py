"""A file as it was read: its columns, its rows, their numbers, and what was decided on the way."""

from dataclasses import dataclass
from typing import Any

from studio.data.findings import Finding

MAX_COLUMNS = 1_000
"""More than these and the names are data themselves (a transposed file, an object whose keys are texts)."""

MAX_CELL_CHARACTERS = 10_000_000
"""One cell longer than this is a file in a cell; the longest prompt anyone trains on is a hundredth of it."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """Rows of a file, in its order.

    A row may lack a column (objects with mixed keys, lines with too few cells): ask with `.get`. `numbers[i]` is the
    number a person knows `rows[i]` by: its 1-based place among the file's data rows. A blank line is no row and counts
    for nothing; a row that could not be read counts and is missing here, with a finding that names it.
    """

    name: str
    columns: tuple[str, ...]
    rows: list[Row]
    format: str
    encoding: str
    delimiter: str | None = None
    notes: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        if not self.numbers and self.rows:
            object.__setattr__(self, "numbers", tuple(range(1, len(self.rows) + 1)))
        assert len(self.numbers) == len(self.rows), "each row has a number"

    @property
    def total(self) -> int:
        """How many data rows the file has, those included that could not be read."""
        return len(self.rows) + sum(finding.count for finding in self.findings if finding.left_out)

    @property
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
