"""JSON and JSONL: where in the document the rows are, whichever of the two the file's name says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from studio.data.files.gather import Gather, gather
from studio.data.files.json_exact import JsonError, exact, is_value, items
from studio.data.files.json_lines import first_lines, read_lines
from studio.data.files.json_quick import is_exact, quick_value
from studio.data.files.json_shape import rows_of
from studio.data.files.text import Text
from studio.data.files.unpack import suffix_of
from studio.data.findings import Finding, finding
from studio.data.part import Reading
from studio.data.table import Row, Table
from studio.data.wording import listed, quoted, rows_named, sentence
from studio.errors import StudioError

LOOK_LINES = 20
"""How many lines are tried when a document does not parse, to see whether it is one of lines."""

QUICK_CHARACTERS = 256 * 2**20
"""A longer document is read object by object: slower, and never held as a whole."""

LINES_SUFFIXES = (".jsonl", ".ndjson")


class _OtherItemsError(Exception):
    """A list holds something other than objects."""


def read_json(text: Text, reading: Reading, limit: int | None) -> Table:
    """The rows of a JSON or JSONL text; where a document holds several lists, those of the split in `reading`.

    Raises StudioError where it is broken (naming line and column), nested too deep, or of a shape without rows.
    """
    if _is_lines(text):
        return _of_lines(text, limit)
    content = text.content()
    try:
        return _of_document(text, content, reading.split, limit)
    except JsonError as error:
        if _mostly_objects(first_lines(text, LOOK_LINES)):
            return _of_lines(text, limit)
        raise _broken(content, text.name, error) from None


def _is_lines(text: Text) -> bool:
    """Whether each line is a value of its own: the first one is, and it is not the whole document."""
    try:
        lines = first_lines(text, 2)
    except StudioError:  # a first line of many MiB, which is no row
        return False
    if len(lines) == 1:
        return suffix_of(text.name) in LINES_SUFFIXES and lines[0].lstrip().startswith("{")
    return is_value(lines[0])


def _mostly_objects(lines: list[str]) -> bool:
    objects = sum(line.lstrip().startswith("{") and is_value(line) for line in lines)
    return len(lines) > 1 and 2 * objects >= len(lines)


def _of_lines(text: Text, limit: int | None) -> Table:
    gathered, notes = read_lines(text, limit)
    if suffix_of(text.name) not in LINES_SUFFIXES:
        notes = ("read as JSONL, because each line is an object of its own", *notes)
    return _table(text, gathered, "jsonl", notes)


def _of_document(text: Text, content: str, split: str, limit: int | None) -> Table:
    """The rows of one JSON document. Those of a list are read one after another, unless it is small."""
    if content.lstrip().startswith("["):
        quick = _quick_list(content) if limit is None else None
        try:
            gathered = gather(_objects(content) if quick is None else quick, text.name, limit)
        except _OtherItemsError:
            pass  # what they are is said below
        else:
            if len(gathered):
                return _table(text, gathered, "json", ("the rows are the items of the list",))
    found = rows_of(exact(content), text.name, split)
    table = _table(text, gather(found.rows, text.name, limit), "json", (found.note,))
    return replace(table, choices={"split": found.splits}) if len(found.splits) > 1 else table


def _quick_list(content: str) -> list[Row] | None:
    """The items of a list of objects, where the quick parser reads them exactly and memory allows to hold them all."""
    if len(content) > QUICK_CHARACTERS or not content.lstrip().startswith("["):
        return None
    data = content.encode("utf-8")
    rows = quick_value(data)
    return rows if rows and is_exact(rows, data) else None


def _objects(content: str) -> Iterator[Row]:
    for item in items(content):
        if not isinstance(item, dict):
            raise _OtherItemsError
        yield item


def _table(text: Text, gathered: Gather, kind: str, notes: tuple[str, ...]) -> Table:
    return Table(
        text.name,
        gathered.cells(),
        kind,
        text.encoding,
        notes=(*text.notes, *notes),
        findings=tuple(_mixed(gathered)),
        nested=gathered.nested(),
    )


def _mixed(gathered: Gather) -> Iterator[Finding]:
    rows, absent = gathered.lacking()
    if rows:
        message = (
            f"{sentence(rows_named(rows))}: not every name is there; missing in some are "
            f"{listed([quoted(column, 40) for column in absent], 10)}. What is missing is read as empty."
        )
        yield finding("mixed-keys", rows, message, "note")


def _broken(content: str, name: str, error: JsonError) -> StudioError:
    if not content.lstrip().startswith(("{", "[")):
        return StudioError(
            f"{quoted(name)} is named like JSON and begins with {quoted(content.lstrip()[:40])}, where JSON with rows "
            "begins with a bracket or a brace. If it is CSV, give it a name that ends in .csv."
        )
    if not error.line:
        return StudioError(f"{quoted(name)}: {error.why}. Correct it, or save the data again.")
    return StudioError(
        f"{quoted(name)} is broken JSON at line {error.line:,}, column {error.column:,}: {error.why}. Correct it "
        "there, or save the data again."
    )
