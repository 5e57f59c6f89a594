"""How the cells of a CSV are told apart: found in a sample of the text, or as the user says."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from studio.data.files.text import Text
from studio.data.part import Reading
from studio.data.table import MAX_CELL_CHARACTERS
from studio.data.wording import quoted
from studio.errors import StudioError

if TYPE_CHECKING:
    from _csv import Reader

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}

SAMPLE_CHARACTERS = 256 * 1024
SAMPLE_RECORDS = 200

ALONE = ("text", "content", "document")
"""The name of a CSV's only column, where a file of one column is meant: plain text, a row per cell."""

_EXCEL_HINT = re.compile(r"\A\s*sep=(.)\r?\n?", re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """How cells are told apart."""

    delimiter: str
    quote: str = '"'
    """What stands around a cell that holds the delimiter; empty: every quote is part of the text."""
    spaced: bool = False
    """True where a blank after the delimiter comes before the opening quote."""

    def reader(self, lines: Iterable[str], strict: bool) -> Reader:
        """A reader over lines that keep their ends; its errors are csv.Error."""
        csv.field_size_limit(MAX_CELL_CHARACTERS)  # process-wide, and 131,072 until someone says otherwise
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            skipinitialspace=self.spaced,
            strict=strict,
        )


@dataclass(frozen=True)
class Layout:
    """A dialect, where it was found, and how much of the text's beginning is a hint to programs and no header."""

    dialect: Dialect
    notes: tuple[str, ...]
    hint: str = ""
    fit: float = 1.0
    """The share of the first rows that are as wide as the header."""
    header: tuple[str, ...] = ()
    """The cells of the first line."""


Scored = tuple[float, tuple[str, ...], Dialect]
"""The share of the first records that are as wide as the header, and the header."""


def layout(text: Text, reading: Reading) -> Layout | None:
    """How this text is to be parsed; None where nothing parts its first line in two.

    Raises StudioError where the chosen delimiter is none.
    """
    sample = text.head(SAMPLE_CHARACTERS)
    hint = _EXCEL_HINT.match(sample)
    if hint and not reading.delimiter:
        dialect = Dialect(hint[1], _quote(reading))
        return Layout(dialect, (f"delimiter {quoted(hint[1])}, because line 1 says sep={hint[1]}",), hint[0])
    if hint:
        return replace(_chosen(sample[hint.end() :], reading), hint=hint[0])
    return _chosen(sample, reading) if reading.delimiter else _best(sample, reading)


def _chosen(sample: str, reading: Reading) -> Layout:
    delimiter = _delimiter(reading.delimiter)
    candidates = [Dialect(delimiter, quote) for quote in _quotes(sample, delimiter, reading)]
    candidates += [Dialect(delimiter, each.quote, True) for each in candidates if f"{delimiter} {each.quote}" in sample]
    fit, header, dialect = max((_scored(sample, each) for each in candidates), key=_order)
    notes = (f"delimiter {quoted(delimiter)}, as chosen", *_quote_notes(sample, dialect))
    return Layout(dialect, notes, "", fit, header)


def _best(sample: str, reading: Reading) -> Layout | None:
    candidates = [
        Dialect(delimiter, quote)
        for delimiter in DELIMITERS
        if delimiter in sample
        for quote in _quotes(sample, delimiter, reading)
    ]
    candidates += [
        Dialect(each.delimiter, each.quote, True)
        for each in candidates
        if each.quote and f"{each.delimiter} {each.quote}" in sample
    ]
    scored = [_scored(sample, each) for each in candidates]
    best = max((each for each in scored if len(each[1]) >= 2), key=_order, default=None)
    if best is None:
        return _alone(sample, reading)
    fit, header, dialect = best
    reason = (
        f"delimiter {quoted(dialect.delimiter)} ({DELIMITERS[dialect.delimiter]}), because it cuts the header into "
        f"{len(header)} columns and {fit:.0%} of the first rows into as many"
    )
    return Layout(dialect, (reason, *_quote_notes(sample, dialect)), "", fit, header)


def _alone(sample: str, reading: Reading) -> Layout | None:
    """A file of one column is read where its name says that it holds texts."""
    first = next(iter(sample.lstrip("\ufeff\r\n").splitlines()), "").strip().strip("\"'").lower()
    if first not in ALONE:
        return None
    return Layout(Dialect(",", _quote(reading)), (f"one column, {quoted(first)}: a text per row",), "", 1.0, (first,))


def _quote(reading: Reading) -> str:
    return "" if reading.quote == "none" else reading.quote or '"'


def _quotes(sample: str, delimiter: str, reading: Reading) -> list[str]:
    """The quotes that may be meant. Single ones are tried where they stand at the edges of cells."""
    if reading.quote:
        return [_quote(reading)]
    edges = f"{delimiter}'" in sample and f"'{delimiter}" in sample
    return ['"', "'"] if edges and f'{delimiter}"' not in sample else ['"']


def _quote_notes(sample: str, dialect: Dialect) -> tuple[str, ...]:
    if not dialect.quote:
        return ("quotes are part of the texts, as chosen",)
    edge = re.escape(dialect.delimiter) + (" ?" if dialect.spaced else "")
    is_used = re.search(rf"(?:\A|[\r\n]|{edge}){dialect.quote}", sample)
    return (f"quotes {dialect.quote} around cells",) if is_used else ()


def _delimiter(chosen: str) -> str:
    by_name = {name: delimiter for delimiter, name in DELIMITERS.items()}
    delimiter = {"\\t": "\t", **by_name}.get(chosen.lower(), chosen)
    if len(delimiter) != 1 or delimiter in "\r\n\0\"'":
        raise StudioError(
            f"The delimiter {quoted(chosen)} cannot part cells: it has to be one character and no quote. Leave it "
            "empty, or try a comma, a semicolon, a vertical bar, or tab."
        )
    return delimiter


def _order(scored: Scored) -> tuple[float, int, bool, bool]:
    fit, header, dialect = scored
    return fit, len(header), not dialect.spaced, dialect.quote == '"'


def _scored(sample: str, dialect: Dialect) -> Scored:
    header: tuple[str, ...] = ()
    widths: list[int] = []
    try:
        for record in dialect.reader(io.StringIO(sample, newline=""), strict=False):
            if record:
                header = header or tuple(record)
                widths.append(len(record))
            if len(widths) > SAMPLE_RECORDS:
                break
    except csv.Error:
        pass  # what is wrong is said when the whole file is read
    body = widths[1:-1] if len(widths) > 2 and len(sample) == SAMPLE_CHARACTERS else widths[1:]
    return (sum(width == len(header) for width in body) / len(body) if body else float(bool(widths))), header, dialect
