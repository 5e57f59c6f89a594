"""CSV and its relatives: the delimiter, the header, the rows, and the rows that do not fit the header."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from studio.data.findings import Finding, finding
from studio.data.table import MAX_CELL_CHARACTERS, MAX_COLUMNS, Row, Table, cells_of
from studio.data.text import Text
from studio.data.wording import counted, names, quoted, rows_named, sentence
from studio.errors import StudioError

if TYPE_CHECKING:
    from _csv import Reader

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}

SAMPLE_CHARACTERS = 256 * 1024
SAMPLE_RECORDS = 200

_EXCEL_HINT = re.compile(r"\A\s*sep=(.)\r?\n?", re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """How cells are told apart."""

    delimiter: str
    spaced: bool = False
    """True where a blank after the delimiter comes before the opening quote."""

    def reader(self, text: str, strict: bool) -> "Reader":
        """A reader over the text; its errors are csv.Error."""
        csv.field_size_limit(MAX_CELL_CHARACTERS)  # process-wide, and 131,072 until someone says otherwise
        lines = io.StringIO(text, newline="")
        return csv.reader(lines, delimiter=self.delimiter, skipinitialspace=self.spaced, strict=strict)


def read_delimited(text: Text) -> Table:
    """The rows of a CSV text.

    Raises StudioError where there is no header with two columns, no row, a quote that never closes, a name given
    twice, or where most rows do not fit the header.
    """
    content, dialect, reason = _dialect(text)
    records, notes = _records(replace(text, content=content), dialect)
    columns, renamed = _columns(records.pop(0), text.name)
    if not records:
        raise StudioError(
            f"{quoted(text.name)} has a header ({names(columns)}) and no rows below it. Add a row per example."
        )
    return _table(text, columns, records, (*text.notes, reason, *notes, *renamed), dialect.delimiter)


def _dialect(text: Text) -> tuple[str, Dialect, str]:
    """The text to parse, how to parse it, and why so."""
    hint = _EXCEL_HINT.match(text.content)
    if hint:
        dialect = Dialect(hint[1])
        return (
            "\n" + text.content[hint.end() :],
            dialect,
            f"delimiter {quoted(hint[1])}, because line 1 says sep={hint[1]}",
        )
    sample = text.content[:SAMPLE_CHARACTERS]
    candidates = [Dialect(delimiter) for delimiter in DELIMITERS if delimiter in sample]
    candidates += [Dialect(each.delimiter, True) for each in candidates if f'{each.delimiter} "' in sample]
    scored = [(*_fit(sample, each), not each.spaced, each) for each in candidates]
    best = max((each for each in scored if each[1] >= 2), key=lambda each: each[:3], default=None)
    if best is None:
        raise _one_column(text)
    fit, width, _, dialect = best
    return (
        text.content,
        dialect,
        f"delimiter {quoted(dialect.delimiter)} ({DELIMITERS.get(dialect.delimiter, 'as given')}), because it cuts "
        f"the header into {width} columns and {fit:.0%} of the first rows into as many",
    )


def _fit(sample: str, dialect: Dialect) -> tuple[float, int]:
    """The share of the first records that are as wide as the header, and the header's width."""
    widths: list[int] = []
    try:
        for record in dialect.reader(sample, strict=False):
            if record:
                widths.append(len(record))
            if len(widths) > SAMPLE_RECORDS:
                break
    except csv.Error:
        pass  # what is wrong is said when the whole file is read
    if not widths:
        return 0.0, 0
    body = widths[1:-1] if len(widths) > 2 and len(sample) == SAMPLE_CHARACTERS else widths[1:]
    return (sum(width == widths[0] for width in body) / len(body) if body else 1.0), widths[0]


def _one_column(text: Text) -> StudioError:
    lines = text.content.lstrip("\r\n").splitlines() or [""]
    return StudioError(
        f"{quoted(text.name)} was read as CSV, and its first line {quoted(lines[0])} is one column only: there is no "
        "comma, semicolon, tab or vertical bar in it that would part two. A pair needs two columns; begin the file "
        "with a header such as prompt,completion."
    )


def _records(text: Text, dialect: Dialect) -> tuple[list[list[str]], tuple[str, ...]]:
    """All records but the blank ones, the header first, and what there is to tell."""
    notes: tuple[str, ...] = ()
    try:
        records, blank = _parse(text, dialect)
    except StudioError as error:
        # Some programs write \" for a quote inside a cell, where CSV says "".
        mended = replace(text, content=text.content.replace('\\"', '""'))
        if mended.content == text.content:
            raise
        try:
            records, blank = _parse(mended, dialect)
        except StudioError:
            raise error from None
        notes = ('quotes inside cells are written \\" here, and were read as "',)
    if blank:
        notes += (f"{counted(blank, 'blank line')} skipped, and not counted as rows",)
    return records, notes


def _parse(text: Text, dialect: Dialect) -> tuple[list[list[str]], int]:
    """The records that are not blank, and how many below the header are."""
    reader = dialect.reader(text.content, strict=True)
    records: list[list[str]] = []
    blank = 0
    line = 1
    try:
        for record in reader:
            if record:
                records.append(record)
            elif records:
                blank += 1
            line = reader.line_num + 1
    except csv.Error as error:
        raise _broken(error, text, len(records), line) from None
    return records, blank


def _broken(error: csv.Error, text: Text, row: int, line: int) -> StudioError:
    where = f"row {row:,} (it begins on line {line:,})" if row else "the header"
    if "field limit" in str(error):
        return StudioError(
            f"{quoted(text.name)}: {where} has a cell of more than {MAX_CELL_CHARACTERS:,} characters, the most that "
            "is read. Shorten it, or look for a quote that was opened there and not closed."
        )
    what = "that is never closed" if "end of data" in str(error) else "that closes in the middle of a cell"
    return StudioError(
        f'{quoted(text.name)}: {where} has a quote (") {what}. Close it, and write a quote that belongs to the text '
        'twice ("").'
    )


def _columns(header: list[str], name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns' names; nameless ones get a number, and a note says so."""
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


def _table(
    text: Text, columns: tuple[str, ...], records: list[list[str]], notes: tuple[str, ...], delimiter: str
) -> Table:
    width = len(columns)
    rows: list[Row] = []
    numbers: list[int] = []
    short: list[int] = []
    wide: list[int] = []
    for number, record in enumerate(records, 1):
        if len(record) > width and any(map(str.strip, record[width:])):
            wide.append(number)
            continue
        if len(record) < width:
            short.append(number)
        rows.append(dict(zip(columns, record, strict=False)))
        numbers.append(number)
    if 2 * len(wide) > len(records):
        raise StudioError(
            f"{quoted(text.name)}: {len(wide):,} of {counted(len(records), 'row')} have more cells than the header's "
            f"{width} ({rows_named(wide)}), so the delimiter {quoted(delimiter)} also stands inside their texts. Put "
            "quotes around texts that hold it, or save the file with another delimiter."
        )
    found = tuple(_ragged(short, wide, width))
    cells, _ = cells_of(rows, columns)
    return Table(text.name, cells, "csv", text.encoding, delimiter, notes, np.array(numbers, np.int64), found)


def _ragged(short: list[int], wide: list[int], width: int) -> Iterator[Finding]:
    if wide:
        message = (
            f"{sentence(rows_named(wide))}: more cells than the header's {width} columns, probably a delimiter inside "
            "a text without quotes around it. Where the text ends cannot be known: left out."
        )
        yield finding("extra-cells", wide, message, "warning", left_out=True)
    if short:
        message = (
            f"{sentence(rows_named(short))}: fewer cells than the header's {width} columns. The missing ones are read "
            "as empty."
        )
        yield finding("missing-cells", short, message, "warning")
