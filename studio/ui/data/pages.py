"""Which rows of a set are looked at, and the few of them that are on the page: nothing is made of the others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from studio.data.dataset import Prepared
from studio.data.example import Example, Examples
from studio.data.findings import Finding
from studio.data.part import DataPart
from studio.data.shapes.columns import examples
from studio.data.table import Table, preview

PAGE = 50
PARTS = ("train", "held out", "left out", "dropped by a mend")
SEARCHED = ("prompt", "completion", "rejected")


@dataclass(frozen=True)
class View:
    """What is looked at. Empty texts: everything. `start` is the place of the page's first row among those that fit."""

    finding: str = ""
    part: str = ""
    label: str = ""
    text: str = ""
    start: int = 0
    opened: int | None = None
    """The number of the row that is shown in full."""


@dataclass(frozen=True)
class Shown:
    """A row as the page shows it. `example` is None for a row that is no example, and then `cells` is what it holds."""

    row: int
    part: str
    example: Example | None
    mended: bool = False
    cells: str = ""


def fitting(prepared: Prepared, part: DataPart, view: View, findings: Sequence[Finding]) -> np.ndarray:
    """The numbers of the rows that fit the view, rising (int64). `findings` are those that a view may name."""
    rows = every_row(prepared, part)
    if view.finding:
        named = [finding.rows for finding in findings if finding.kind == view.finding]
        rows = np.intersect1d(rows, np.array([row for some in named for row in some], np.int64))
    if view.part:
        rows = rows[parts_of(prepared, rows) == PARTS.index(view.part)] if view.part in PARTS else rows[:0]
    if view.label:
        rows = np.intersect1d(rows, _where(prepared.examples, pc.equal(prepared.examples.column("label"), view.label)))
    if view.text:
        rows = np.intersect1d(rows, _with_text(prepared.examples, view.text))
    return rows


def every_row(prepared: Prepared, part: DataPart) -> np.ndarray:
    """The numbers of all rows of the file, those included that a mend dropped or that could not be read."""
    read = _unmended(prepared, part).rows if _is_counted_anew(prepared) else prepared.table.numbers
    left_out = np.array(prepared.report.left_out, np.int64)
    return np.union1d(np.union1d(read, prepared.examples.rows), left_out)


def parts_of(prepared: Prepared, rows: np.ndarray) -> np.ndarray:
    """The place in PARTS of each of these rows."""
    held = prepared.held_out if prepared.held_out_report is None else prepared.held_out.take([])
    parts = np.full(len(rows), PARTS.index("left out"))
    for name, some in (("train", prepared.train), ("held out", held)):
        parts[np.isin(rows, some.of_main_file().rows)] = PARTS.index(name)
    left = np.array(prepared.report.left_out, np.int64)
    parts[~np.isin(rows, prepared.examples.rows) & ~np.isin(rows, left)] = PARTS.index("dropped by a mend")
    return parts


def shown(prepared: Prepared, part: DataPart, rows: np.ndarray) -> list[Shown]:
    """These few rows as the page shows them. One that a mend dropped is shown as it was before the mends."""
    mended = {example.row: example for example in _of_rows(prepared.examples, rows)}
    table = prepared.table if _is_counted_anew(prepared) else _of_table(prepared.table, rows)
    raw = {example.row: example for example in _of_rows(examples(table, prepared.mapping, part)[0], rows)}
    cells = {} if _is_counted_anew(prepared) else _cells(table)
    every = []
    for row, place in zip(rows.tolist(), parts_of(prepared, rows).tolist(), strict=True):
        example = mended.get(row) or raw.get(row)
        differs = row in mended and row in raw and not _same(mended[row], raw[row])
        every.append(Shown(row, PARTS[place], example, differs, "" if example else cells.get(row, "")))
    return every


def labels_of(prepared: Prepared) -> list[str]:
    """The classes that rows can be filtered by."""
    return list(prepared.report.labels)


def _where(some: Examples, chosen: pa.ChunkedArray) -> np.ndarray:
    return some.rows[np.asarray(chosen.to_numpy(), bool)]


def _with_text(some: Examples, text: str) -> np.ndarray:
    found = np.zeros(len(some), bool)
    wanted = [(name, text) for name in SEARCHED] + [("messages", json.dumps(text, ensure_ascii=False)[1:-1])]
    for name, pattern in wanted:
        if some.has(name):
            found |= pc.match_substring(some.column(name), pattern, ignore_case=True).to_numpy().astype(bool)
    return some.rows[found]


def _of_rows(some: Examples, rows: np.ndarray) -> Examples:
    return some.take(np.flatnonzero(np.isin(some.rows, rows)))


def _is_counted_anew(prepared: Prepared) -> bool:
    """Whether a row of the file makes several examples, so that their numbers are not the file's."""
    return bool({"instances", "paragraphs"} & set(prepared.mapping.columns))


def _unmended(prepared: Prepared, part: DataPart) -> Examples:
    return examples(prepared.table, prepared.mapping, part)[0]


def _of_table(table: Table, rows: np.ndarray) -> Table:
    places = np.flatnonzero(np.isin(table.numbers, rows))
    chosen = pa.array(places, pa.int64())
    return replace(
        table,
        cells=table.cells.take(chosen),
        nested={name: column.take(chosen) for name, column in table.nested.items()},
        numbers=table.numbers[places],
        findings=(),
    )


def _cells(table: Table) -> dict[int, str]:
    """What a few rows of the file hold, in a line each, by row number."""
    lines = ("; ".join(f"{name}: {preview(cell)}" for name, cell in row.items()) for row in table.rows)
    return dict(zip(table.numbers.tolist(), lines, strict=True))


def _same(first: Example, second: Example) -> bool:
    texts = all(getattr(first, name) == getattr(second, name) for name in SEARCHED)
    return texts and (first.messages == second.messages or first.conversation == second.conversation)
