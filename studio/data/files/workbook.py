"""Excel workbooks (XLSX): the rows of one sheet, values only; no formula is ever worked out here."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, BinaryIO

from studio.data.files.delimited import columns_of, no_rows
from studio.data.files.gather import Gather, batches
from studio.data.files.unpack import Source
from studio.data.part import Reading
from studio.data.table import Row, Table
from studio.data.wording import counted, names, quoted
from studio.errors import StudioError

MAX_WORKBOOK_BYTES = 512 * 2**20
"""The most that a workbook unpacks to. Excel itself holds a million rows; parsing costs ten times the bytes."""

CONTENTS = "[Content_Types].xml"


def read_workbook(source: Source, reading: Reading, limit: int | None) -> Table:
    """The rows of the chosen sheet, or of the first one that has rows.

    Raises StudioError where the archive is no workbook, is broken, unpacks to too much or has no such sheet.
    """
    with io.BytesIO(source.whole()) if source.gzipped else source.path.open("rb") as stream:
        _refuse_bomb(stream, source.name)
        return _read(stream, source, reading.sheet, limit)


def _refuse_bomb(stream: BinaryIO, name: str) -> None:
    try:
        with zipfile.ZipFile(stream) as archive:
            files = archive.infolist()
            bad = next((each.filename for each in files if each.flag_bits & 1), None)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise _broken(name, error) from None
    if CONTENTS not in {each.filename for each in files}:
        raise StudioError(f"{quoted(name)} is a ZIP archive and no workbook. Unpack it and choose what is inside.")
    if bad:
        raise StudioError(f"{quoted(name)} has a password. Save it without one, or as CSV (UTF-8).")
    unpacked = sum(each.file_size for each in files)
    if unpacked > MAX_WORKBOOK_BYTES:
        raise StudioError(
            f"{quoted(name)} unpacks to {unpacked / 2**20:,.0f} MiB, and at most {MAX_WORKBOOK_BYTES / 2**20:.0f} MiB "
            "of a workbook is read. Save the sheet as CSV (UTF-8) and choose that."
        )
    stream.seek(0)


def _read(stream: BinaryIO, source: Source, asked: str, limit: int | None) -> Table:
    from openpyxl import load_workbook  # half a second, and few files need it

    try:
        book = load_workbook(stream, read_only=True, data_only=True)
        sheets = {sheet.title: sheet for sheet in book.worksheets}
        name = _sheet(sheets, asked, source.name)
        return _table(source, sheets, name, limit)
    except StudioError:
        raise
    except Exception as error:  # openpyxl passes on whatever a broken part of the archive sets off
        raise _broken(source.name, error) from None


def _sheet(sheets: dict[str, Any], asked: str, name: str) -> str:
    """The sheet that is read."""
    if asked and asked not in sheets:
        raise StudioError(f"{quoted(name)} has no sheet {quoted(asked)}. It has {names(sheets)}; choose one of these.")
    if asked:
        return asked
    for title, sheet in sheets.items():
        rows = _rows(sheet)
        if next(rows, None) is not None and next(rows, None) is not None:
            return title
    for sheet in sheets.values():
        header = next(_rows(sheet), None)
        if header is not None:
            raise no_rows(name, tuple(header[1]))
    raise StudioError(f"{quoted(name)} has no sheet with rows ({names(sheets)} are empty). Choose another file.")


def _table(source: Source, sheets: dict[str, Any], name: str, limit: int | None) -> Table:
    rows = _rows(sheets[name])
    first = next(rows, None)
    if first is None:
        raise StudioError(f"{quoted(source.name)}: the sheet {quoted(name)} is empty. Choose another one.")
    line, header = first
    columns, renamed = columns_of(header, source.name)
    gathered = Gather(source.name, columns)
    last = line
    for batch in batches(_limited(rows, limit)):
        gathered.add([_row(columns, cells) for _, cells in batch])
        last = batch[-1][0]
    if not len(gathered):
        raise no_rows(source.name, columns)
    blank = last - line - len(gathered)
    notes = [f"sheet {quoted(name)}" + (f" of {names(sheets)}" if len(sheets) > 1 else "")]
    if line > 1:
        notes.append(f"the header is line {line:,}, the first that is not empty")
    if blank:
        notes.append(f"{counted(blank, 'blank line')} skipped, and not counted as rows")
    return Table(
        source.name,
        gathered.cells(),
        "xlsx",
        "utf-8",
        notes=(*source.notes, *notes, *renamed),
        choices={"sheet": tuple(sheets)},
    )


def _limited(rows: Iterator[tuple[int, list[str]]], limit: int | None) -> Iterable[tuple[int, list[str]]]:
    return rows if limit is None else islice(rows, limit)


def _row(columns: tuple[str, ...], cells: list[str]) -> Row:
    """The cells by name; what lies beyond the header has the number of its column."""
    return {
        (columns[i] if i < len(columns) else f"column {i + 1}"): cell
        for i, cell in enumerate(cells)
        if i < len(columns) or cell
    }


def _rows(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, with their numbers in the sheet, without empty cells at their end."""
    sheet.reset_dimensions()  # what the file claims may be wrong, or a million columns
    for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
        texts = [_text(cell) for cell in cells]
        while texts and not texts[-1]:
            texts.pop()
        if any(text.strip() for text in texts):
            yield number, texts


def _text(cell: Any) -> str:
    """A cell as text: dates as ISO writes them, numbers without a needless .0."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time():
        return cell.date().isoformat()
    if isinstance(cell, datetime.datetime | datetime.date | datetime.time):
        return cell.isoformat()
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _broken(name: str, error: Exception) -> StudioError:
    why = quoted(str(error) or type(error).__name__, 120)
    return StudioError(
        f"{quoted(name)} is an Excel workbook by its first bytes and cannot be read ({why}). It may have been cut off "
        "in a download; open it in Excel and save it again, or save it as CSV (UTF-8)."
    )
