"""A clean CSV straight into columns by Arrow's parser, wherever it reads exactly what the exact one would."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from studio.data.files.ahead import ahead
from studio.data.files.dialect import Layout
from studio.data.files.gather import MEMORY, refuse_rows, whole
from studio.data.files.text import Text
from studio.data.table import MAX_CELL_CHARACTERS

MAX_BLOCK_BYTES = 64 * 2**20
"""A record that is longer has an open quote in it, most likely; the exact parser says where."""

QUOTE, NEWLINE, RETURN = ord('"'), ord("\n"), ord("\r")


class NotCleanError(Exception):
    """The two parsers may read this text differently."""


@dataclass(frozen=True)
class Clean:
    """What a clean CSV holds."""

    columns: tuple[str, ...]
    notes: tuple[str, ...]
    cells: pa.Table
    blank: int
    """Blank lines below the header."""


Parsed = tuple[pa.Table, int]
"""Rows, and the number of blank lines among them."""

Named = Callable[[list[str]], tuple[tuple[str, ...], tuple[str, ...]]]
"""Makes the columns' names of a header, with what there is to tell of them."""


def read_clean(text: Text, layout: Layout, named: Named, limit: int | None) -> Clean:
    """The cells of a CSV in which every quote either opens a cell, closes one, or is doubled.

    Raises NotCleanError for any other, and where rows are not as wide as the header.
    """
    dialect = layout.dialect
    if dialect.spaced or not dialect.delimiter.isascii():
        raise NotCleanError
    blocks = _blocks(text.pieces(), dialect.delimiter.encode(), dialect.quote.encode())
    body, header = _parted(next(blocks, b""), layout)
    try:
        columns, notes = named(next(dialect.reader(io.StringIO(header, newline=""), strict=True)))
    except csv.Error:  # a cell beyond the limit
        raise NotCleanError from None
    texts: dict[str, list[pa.Array]] = {column: [] for column in columns}
    rows = blank = 0
    parse = partial(_rows_of, columns=columns, layout=layout)
    for table, blank_lines in ahead(parse, chain([body], blocks)):
        for column, arrays in texts.items():
            arrays.extend(table[column].chunks)
        rows += table.num_rows
        blank += blank_lines
        refuse_rows(rows, text.name)
        if limit is not None and rows >= limit:
            break
    cells = pa.table({column: whole(arrays) for column, arrays in texts.items()})
    return Clean(columns, notes, cells if limit is None else cells.slice(0, limit), blank)


def _rows_of(block: bytes, columns: tuple[str, ...], layout: Layout) -> Parsed:
    """One block's rows, and how many blank lines are among them."""
    lines = block.count(b"\n")
    is_blank = len(block) <= 2 * lines and not block.strip(b"\r\n")
    table = _empty(columns) if is_blank else _parsed(block, columns, layout)
    if table.num_rows == lines:
        return table, 0
    return table, int(_outside(block, layout.dialect.quote.encode()).size) - table.num_rows


def _parted(first: bytes, layout: Layout) -> tuple[bytes, str]:
    """The rows in the first block, and the header above them."""
    hint = layout.hint.encode()
    block = (first[len(hint) :] if first.startswith(hint) else first).lstrip(b"\r\n")
    ends = _outside(block, layout.dialect.quote.encode())
    if not ends.size:
        raise NotCleanError
    end = int(ends[0]) + 1
    try:
        return block[end:], block[:end].decode("utf-8")
    except UnicodeDecodeError:
        raise NotCleanError from None


def _blocks(pieces: Iterator[bytes], delimiter: bytes, quote: bytes) -> Iterator[bytes]:
    """The text in blocks of whole records."""
    rest = b""
    for piece in pieces:
        if b"\0" in piece or len(rest) > MAX_BLOCK_BYTES:
            raise NotCleanError
        rest += piece
        cut = _last_end(rest, quote)
        if cut:
            _require_clean(rest[:cut], delimiter, quote)
            yield rest[:cut]
            rest = rest[cut:]
    if rest:
        rest += b"\n"
        if _last_end(rest, quote) != len(rest):
            raise NotCleanError
        _require_clean(rest, delimiter, quote)
        yield rest


def _last_end(block: bytes, quote: bytes) -> int:
    """Where the last whole record ends: behind a newline with an even number of quotes before it; 0 where none does."""
    end = block.rfind(b"\n") + 1
    before = block.count(quote, 0, end) if quote else 0
    while end and before % 2:
        inner = block.rfind(b"\n", 0, end - 1) + 1
        before -= block.count(quote, inner, end)
        end = inner
    return end


def _outside(block: bytes, quote: bytes) -> np.ndarray:
    """The places of the newlines that stand in no cell: an even number of quotes is before them."""
    letters = np.frombuffer(block, np.uint8)
    newlines = np.flatnonzero(letters == NEWLINE)
    if not quote or quote not in block:
        return newlines
    quotes = np.flatnonzero(letters == ord(quote))
    return newlines[np.searchsorted(quotes, newlines) % 2 == 0]


def _require_clean(block: bytes, delimiter: bytes, quote: bytes) -> None:
    r"""Raises NotCleanError unless every quote stands where a quote must, and every \r before a \n.

    Quotes are counted from the block's beginning, where no cell is open. Before one of even count no cell is open: it
    opens one, so it follows a delimiter or a newline, or it is the second of a doubled pair. One of odd count closes
    the cell, so a delimiter or the line's end follows, or it is the first of a pair. With these, no parser has a
    choice.
    """
    letters = np.frombuffer(block, np.uint8)
    if b"\r" in block and (letters[np.flatnonzero(letters == RETURN) + 1] != NEWLINE).any():
        raise NotCleanError
    if not quote or quote not in block:
        return
    quotes = np.flatnonzero(letters == ord(quote))
    before = letters[quotes[0::2] - 1]  # of a quote at the very beginning: the block's last byte, a newline
    after = letters[quotes[1::2] + 1]
    opens = (before == ord(delimiter)) | (before == NEWLINE) | (before == ord(quote))
    closes = (after == ord(delimiter)) | (after == NEWLINE) | (after == RETURN) | (after == ord(quote))
    if not (opens.all() and closes.all()):
        raise NotCleanError


def _empty(columns: tuple[str, ...]) -> pa.Table:
    return pa.schema([(column, pa.large_string()) for column in columns]).empty_table()


def _parsed(block: bytes, columns: tuple[str, ...], layout: Layout) -> pa.Table:
    """One block's rows."""
    quote = layout.dialect.quote
    try:
        table = arrow_csv.read_csv(
            pa.py_buffer(block),
            arrow_csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=columns),
            arrow_csv.ParseOptions(
                delimiter=layout.dialect.delimiter, quote_char=quote or False, newlines_in_values=bool(quote)
            ),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.large_string()), strings_can_be_null=False, check_utf8=True
            ),
            memory_pool=MEMORY,
        )
    except pa.ArrowInvalid:  # rows of other widths, bytes that are no UTF-8
        raise NotCleanError from None
    if any(table[column].nbytes > MAX_CELL_CHARACTERS for column in columns) and _has_long_cell(table):
        raise NotCleanError
    return table


def _has_long_cell(table: pa.Table) -> bool:
    return any((pc.max(pc.utf8_length(each)).as_py() or 0) > MAX_CELL_CHARACTERS for each in table)
