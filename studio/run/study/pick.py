"""Which row is meant: the first, the longest, the shortest, one by its number, or the first that says something."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from studio.data.dataset import Prepared
from studio.data.example import Example, Examples
from studio.data.wording import quoted
from studio.errors import StudioError

FIELDS = ("prompt", "completion", "messages", "rejected")
LEFT_OUT = "This row is left out of training."
HELD_OUT = "This row is held out: it is scored and never trained on."


RowLengths = tuple[np.ndarray, np.ndarray]
"""Row numbers, and how many tokens each has."""


def pick(prepared: Prepared, which: int | str, lengths: RowLengths | None = None) -> tuple[Example, str]:
    """The example meant by `which`, and what is to be said of it beside.

    `lengths` are those in tokens, where they are known; else the longest row is that of most letters.

    Raises StudioError where there is no such row.
    """
    rows = prepared.train
    if not len(rows) and not len(prepared.examples):
        raise StudioError("There is no row to look at. Choose data with rows.")
    rows = rows if len(rows) else prepared.examples
    text = str(which).strip()
    if text in ("", "first"):
        return rows[0], ""
    if text in ("longest", "shortest"):
        return rows[_extreme(rows, text, lengths)], ""
    return _searched(prepared, text)


def _extreme(rows: Examples, which: str, lengths: RowLengths | None) -> int:
    if lengths is not None and len(lengths[0]):
        numbers, tokens = lengths
        row = numbers[tokens.argmax() if which == "longest" else tokens.argmin()]
        places = np.flatnonzero(rows.rows == row)
        if len(places):
            return int(places[0])
    letters = np.zeros(len(rows), np.int64)
    for name in FIELDS if not rows.has("messages") else ("prompt", "completion", "messages"):
        if rows.has(name):
            letters += pc.utf8_length(rows.column(name)).to_numpy()
    return int(letters.argmax() if which == "longest" else letters.argmin())


def _searched(prepared: Prepared, text: str) -> tuple[Example, str]:
    sets = ((prepared.train, ""), (prepared.held_out, HELD_OUT), (prepared.examples, LEFT_OUT))
    if text.isdecimal() and len(text) < 16:
        for rows, note in sets:
            places = np.flatnonzero(rows.rows == int(text))
            if len(places):
                return rows[int(places[0])], note
    for rows, note in sets:
        if (place := _first_with(rows, text)) is not None:
            return rows[place], note
    raise StudioError(f"No row says {quoted(text)}, whatever its case. Search for something else.")


def _first_with(rows: Examples, text: str) -> int | None:
    """The place of the first row any of whose texts has `text` in it, whatever its case."""
    found = np.zeros(len(rows), bool)
    for name in FIELDS:
        if rows.has(name):
            found |= np.asarray(pc.match_substring(rows.column(name), text, ignore_case=True), dtype=bool)
    places = np.flatnonzero(found)
    return int(places[0]) if len(places) else None
