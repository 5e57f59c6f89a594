"""JSON objects as a table: their columns, and the objects that lack some of them."""

import re
from typing import Any

from studio.data.findings import Finding, finding
from studio.data.table import MAX_CELL_CHARACTERS, MAX_COLUMNS, Row, Table, cells_of
from studio.data.text import Text
from studio.data.wording import counted, listed, names, quoted, rows_named, sentence
from studio.errors import StudioError

NAMELESS = "(no name)"

_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")


def tabulate(text: Text, rows: list[Row], kind: str, notes: tuple[str, ...]) -> Table:
    """The table of these objects.

    Raises StudioError where they have no names, too many different ones, or a cell beyond the limit.
    """
    if _HALF_CHARACTER.search(text.content):  # emoji are written so too, and are whole by now
        rows = [{_whole(key): _whole(cell) for key, cell in row.items()} for row in rows]
    columns = _columns(rows, text.name)
    if "" in columns:
        rows = [{key or NAMELESS: cell for key, cell in row.items()} for row in rows]
        columns = tuple(column or NAMELESS for column in columns)
    _refuse_long(rows, text.name)
    mixed = tuple(_mixed(rows, columns))
    cells, nested = cells_of(rows, columns)
    return Table(text.name, cells, kind, text.encoding, None, (*text.notes, *notes), findings=mixed, nested=nested)


def _whole(cell: Any) -> Any:
    """Half a character (a lone surrogate, which no file can hold) becomes the replacement character."""
    if not isinstance(cell, str) or cell.isascii():
        return cell
    return cell.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _columns(rows: list[Row], name: str) -> tuple[str, ...]:
    columns: dict[str, None] = {}
    for row in rows:
        columns.update(dict.fromkeys(row))
        if len(columns) > MAX_COLUMNS:
            raise StudioError(
                f"{quoted(name)} has objects with more than {MAX_COLUMNS:,} different names ({names(columns)}), so the "
                "names are data themselves. Put the texts into values, under two names such as prompt and completion."
            )
    if not columns:
        raise StudioError(
            f"{quoted(name)} has {counted(len(rows), 'object')} and all are empty. Give each a prompt and a completion."
        )
    return tuple(columns)


def _refuse_long(rows: list[Row], name: str) -> None:
    for number, row in enumerate(rows, 1):
        for key, cell in row.items():
            if isinstance(cell, str) and len(cell) > MAX_CELL_CHARACTERS:
                raise StudioError(
                    f"{quoted(name)}: row {number:,} has a {quoted(key, 40)} of {len(cell):,} characters, and at most "
                    f"{MAX_CELL_CHARACTERS:,} are read. Shorten it or remove the row."
                )


def _mixed(rows: list[Row], columns: tuple[str, ...]) -> list[Finding]:
    lacking = [number for number, row in enumerate(rows, 1) if len(row) < len(columns)]
    if not lacking:
        return []
    absent = [column for column in columns if any(column not in row for row in rows)]
    message = (
        f"{sentence(rows_named(lacking))}: not every name is there; missing in some are "
        f"{listed([quoted(column, 40) for column in absent], 10)}. What is missing is read as empty."
    )
    return [finding("mixed-keys", lacking, message, "note")]
