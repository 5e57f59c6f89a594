"""Plain text: a row per paragraph, in one column."""

from __future__ import annotations

import re
from collections.abc import Iterator

from studio.data.files.dialect import Layout
from studio.data.files.gather import gather
from studio.data.files.text import Text
from studio.data.part import Reading
from studio.data.table import Row, Table

COLUMN = "text"

_GAP = re.compile(r"\n(?:[^\S\n]*\n)+")  # the next line's indentation stays with it
_SENTENCE = re.compile(r"[.!?:;…](?:[\"'»”)]*)\s*$")

NAME_CHARACTERS = 40
"""The longest cell that may be a column's name."""

SURE_FIT = 0.95


def looks_tabular(found: Layout | None) -> bool:
    """Whether a text that is not named as a table is one: rows as wide as a header of short names.

    Prose has commas too, but not as many in each line, and its first line is no row of names.
    """
    if found is None or found.hint:
        return found is not None
    is_named = all(len(cell.strip()) <= NAME_CHARACTERS and not _SENTENCE.search(cell) for cell in found.header)
    return is_named and found.fit >= SURE_FIT


def read_plain(text: Text, reading: Reading, limit: int | None) -> Table:
    """The paragraphs of a text, parted by blank lines; it has nothing that `reading` could choose."""
    rows = gather(_paragraphs(text.content()), text.name, limit)
    notes = ("read as plain text: a row per paragraph, parted by blank lines",)
    return Table(text.name, rows.cells(), "text", text.encoding, notes=(*text.notes, *notes))


def _paragraphs(content: str) -> Iterator[Row]:
    """Ends of lines become \\n, as every program shows them."""
    content = content.replace("\r\n", "\n").replace("\r", "\n")
    start = 0
    for gap in _GAP.finditer(content):
        yield from _row(content[start : gap.start()])
        start = gap.end()
    yield from _row(content[start:])


def _row(paragraph: str) -> Iterator[Row]:
    bare = paragraph.strip("\n")
    if bare.strip():
        yield {COLUMN: bare}
