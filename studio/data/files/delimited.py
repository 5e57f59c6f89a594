"""CSV and its relatives: the header, the rows, and the rows that do not fit the header."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from studio.data.files.delimited_quick import Clean, NotCleanError, read_clean
from studio.data.files.dialect import Dialect, Layout, layout
from studio.data.files.gather import Gather, batches
from studio.data.files.text import NotPlainError, Text
from studio.data.findings import Finding, finding
from studio.data.part import Reading
from studio.data.table import MAX_CELL_CHARACTERS, MAX_COLUMNS, Row, Table
from studio.data.wording import counted, names, quoted, rows_named, sentence
from studio.errors import StudioError


class BrokenQuotesError(StudioError):
    """Quotes do not pair up."""


def read_delimited(text: Text, reading: Reading, limit: int | None) -> Table:
    """The rows of a CSV text.

    Raises StudioError where there is no header with two columns, no row, a quote that never closes, a name given
    twice, or where most rows do not fit the header.
    """
    found = layout(text, reading)
    if found is None:
        raise _one_column(text)
    try:
        return _of_clean(text, found, read_clean(text, found, lambda header: columns_of(header, text.name), limit))
    except NotCleanError:
        return _exactly(text, found, limit)


def _of_clean(text: Text, found: Layout, clean: Clean) -> Table:
    if not clean.cells.num_rows:
        raise no_rows(text.name, clean.columns)
    notes = (*text.notes, *found.notes, *_blank_notes(clean.blank), *clean.notes)
    return Table(text.name, clean.cells, "csv", text.encoding, found.dialect.delimiter, notes)


def _exactly(text: Text, found: Layout, limit: int | None) -> Table:
    """The rows by Python's own reader, which names the row and line of what is wrong."""
    data = text.data()
    if found.hint:
        data = b"\n" + data.removeprefix(found.hint.encode())  # lines keep their numbers
    try:
        return _table(text, found, Records(data, found.dialect, text.name), limit)
    except BrokenQuotesError as error:
        for records, note in _second_tries(data, found.dialect, text.name):
            try:
                return _table(text, replace(found, notes=(*found.notes, note)), records, limit)
            except StudioError:
                continue
        raise error from None


def _second_tries(data: bytes, dialect: Dialect, name: str) -> Iterator[tuple[Records, str]]:
    """What else a text may mean whose quotes do not pair up."""
    if b'\\"' in data:  # some programs write \" for a quote inside a cell, where CSV says ""
        mended = data.replace(b'\\"', b'""')
        yield Records(mended, dialect, name), 'quotes inside cells are written \\" here, and were read as "'
    if dialect.delimiter == "\t" and dialect.quote:  # tab-separated files often know no quotes at all
        bare = Records(data, replace(dialect, quote=""), name, is_fitting=True)
        yield bare, "quotes do not pair up, so they are read as part of the texts"


@dataclass
class Records:
    """The records of a CSV that are not blank, the header first; `blank` counts the blank lines below it."""

    data: bytes
    dialect: Dialect
    name: str
    is_fitting: bool = False
    """True where a row that is wider than the header means that the dialect is a wrong one."""
    blank: int = field(default=0, init=False)

    def __iter__(self) -> Iterator[list[str]]:
        """Raises StudioError that names the row and the line at which the text is broken."""
        reader = self.dialect.reader(io.TextIOWrapper(io.BytesIO(self.data), "utf-8", newline=""), strict=True)
        row, line, width = 0, 1, 0
        try:
            for record in reader:
                if record:
                    width = width or len(record)
                    if self.is_fitting and len(record) != width:
                        raise BrokenQuotesError("Rows are not as wide as the header.")
                    yield record
                    row += 1
                elif row:
                    self.blank += 1
                line = reader.line_num + 1
        except csv.Error as error:
            raise _broken(error, self.name, row, line) from None
        except UnicodeDecodeError:
            raise NotPlainError from None


def _broken(error: csv.Error, name: str, row: int, line: int) -> StudioError:
    where = f"row {row:,} (it begins on line {line:,})" if row else "the header"
    if "field limit" in str(error):
        return StudioError(
            f"{quoted(name)}: {where} has a cell of more than {MAX_CELL_CHARACTERS:,} characters, the most that "
            "is read. Shorten it, or look for a quote that was opened there and not closed."
        )
    what = "that is never closed" if "end of data" in str(error) else "that closes in the middle of a cell"
    return BrokenQuotesError(
        f'{quoted(name)}: {where} has a quote (") {what}. Close it, and write a quote that belongs to the text '
        'twice (""). Where quotes are part of the texts, choose none under Quotes.'
    )


def _table(text: Text, found: Layout, records: Records, limit: int | None) -> Table:
    each = iter(records)
    header = next(each, None)
    assert header is not None, "a text that is not blank has a line"
    columns, renamed = columns_of(header, text.name)
    rows, ragged = _rows(each, columns, text.name, limit)
    if not ragged.total:
        raise no_rows(text.name, columns)
    if 2 * len(ragged.wide) > ragged.total:
        raise _too_wide(text.name, ragged, found.dialect.delimiter)
    notes = (*text.notes, *found.notes, *_blank_notes(records.blank), *renamed)
    numbers = np.delete(np.arange(1, ragged.total + 1), np.array(ragged.wide, np.int64) - 1)
    delimiter, findings = found.dialect.delimiter, tuple(ragged.findings())
    return Table(text.name, rows.cells(), "csv", text.encoding, delimiter, notes, numbers, findings)


@dataclass
class Ragged:
    """The rows that are not as wide as the header, by their numbers."""

    width: int
    total: int = 0
    short: list[int] = field(default_factory=list)
    wide: list[int] = field(default_factory=list)

    def findings(self) -> Iterator[Finding]:
        if self.wide:
            message = (
                f"{sentence(rows_named(self.wide))}: more cells than the header's {self.width} columns, probably a "
                "delimiter inside a text without quotes around it. Where the text ends cannot be known: left out."
            )
            yield finding("extra-cells", self.wide, message, "warning", left_out=True)
        if self.short:
            message = (
                f"{sentence(rows_named(self.short))}: fewer cells than the header's {self.width} columns. The missing "
                "ones are read as empty."
            )
            yield finding("missing-cells", self.short, message, "warning")


def _rows(
    records: Iterator[list[str]], columns: tuple[str, ...], name: str, limit: int | None
) -> tuple[Gather, Ragged]:
    """The rows that fit the header, at most `limit`, and the numbers of those that do not."""
    gathered, ragged = Gather(name, columns), Ragged(len(columns))
    for batch in batches(records):
        rows: list[Row] = []
        for record in batch:
            if limit is not None and len(gathered) + len(rows) >= limit:
                break
            ragged.total += 1
            if len(record) > ragged.width and any(map(str.strip, record[ragged.width :])):
                ragged.wide.append(ragged.total)
                continue
            if len(record) < ragged.width:
                ragged.short.append(ragged.total)
            rows.append(dict(zip(columns, record, strict=False)))
        gathered.add(rows)
        if limit is not None and len(gathered) >= limit:
            break
    return gathered, ragged


def columns_of(header: list[str], name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns' names; nameless ones get a number, and a note says so.

    Raises StudioError where a name is given twice, or there are too many.
    """
    columns = tuple(cell.strip().lstrip("\ufeff") or f"column {place}" for place, cell in enumerate(header, 1))
    twice = [column for column, times in Counter(columns).items() if times > 1]
    if twice:
        raise StudioError(
            f"{quoted(name)} names {names(twice)} more than once in its header ({names(columns)}), so it is not clear "
            "which is meant. Give every column its own name."
        )
    if len(columns) > MAX_COLUMNS:
        raise StudioError(
            f"{quoted(name)} has {len(columns):,} columns and at most {MAX_COLUMNS:,} are read. Keep the columns with "
            "the prompts and the completions; if rows and columns are swapped, transpose the file."
        )
    nameless = [column for column, cell in zip(columns, header, strict=True) if not cell.strip()]
    return columns, ((f"nameless columns are called {names(nameless)}",) if nameless else ())


def _blank_notes(blank: int) -> tuple[str, ...]:
    return (f"{counted(blank, 'blank line')} skipped, and not counted as rows",) if blank else ()


def no_rows(name: str, columns: tuple[str, ...]) -> StudioError:
    """What is said of a header with nothing below."""
    return StudioError(f"{quoted(name)} has a header ({names(columns)}) and no rows below it. Add a row per example.")


def _one_column(text: Text) -> StudioError:
    lines = text.head(1000).lstrip("\r\n").splitlines() or [""]
    return StudioError(
        f"{quoted(text.name)} was read as CSV, and its first line {quoted(lines[0])} is one column only: there is no "
        "comma, semicolon, tab or vertical bar in it that would part two. A pair needs two columns; begin the file "
        "with a header such as prompt,completion. If it is plain text, give it a name that ends in .txt."
    )


def _too_wide(name: str, ragged: Ragged, delimiter: str) -> StudioError:
    return StudioError(
        f"{quoted(name)}: {len(ragged.wide):,} of {counted(ragged.total, 'row')} have more cells than the header's "
        f"{ragged.width} ({rows_named(ragged.wide)}), so the delimiter {quoted(delimiter)} also stands inside their "
        "texts. Put quotes around texts that hold it, or save the file with another delimiter."
    )
