"""A file on disk as a table, by whatever its content and its name say it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePath

from studio.data.files.delimited import read_delimited
from studio.data.files.dialect import layout
from studio.data.files.folder import files_in, joined
from studio.data.files.json_rows import read_json
from studio.data.files.parquet import read_parquet
from studio.data.files.plain_text import looks_tabular, read_plain
from studio.data.files.signatures import PARQUET, ZIP, refuse_unreadable
from studio.data.files.text import NotPlainError, Text, decode, plain
from studio.data.files.unpack import Source, source, suffix_of
from studio.data.files.workbook import read_workbook
from studio.data.memory import give_back
from studio.data.part import Reading
from studio.data.table import Table
from studio.errors import StudioError

TextReader = Callable[[Text, Reading, int | None], Table]
Reader = Callable[[Source, Reading, int | None], Table]

READERS: tuple[tuple[tuple[str, ...], TextReader], ...] = (
    ((".csv", ".tsv", ".tab"), read_delimited),
    ((".json", ".jsonl", ".ndjson"), read_json),
)
"""Each reader of text with the suffixes it answers to. Text of another suffix is read by what it looks like."""

PROSE = (".txt", ".md")
"""Text that is a table only where it looks like one."""

BINARY: tuple[tuple[bytes, Reader], ...] = ((PARQUET, read_parquet), (ZIP, read_workbook))
"""Each reader of something else with the first bytes of its files."""

SUFFIXES = (*(suffix for suffixes, _ in READERS for suffix in suffixes), ".parquet", ".xlsx", *PROSE, ".gz")
"""The names that the page's file picker and a folder's files end in."""

JSON_STARTS = ('{"', "[{", "[[", '["')

HEAD_BYTES = 512

LOOK_BYTES = 8 * 2**20
"""How much of a file is read at first where only its first rows are wanted."""

LOOK_BYTES_A_ROW = 16 * 1024


def read(path: Path, name: str | None = None, reading: Reading | None = None, limit: int | None = None) -> Table:
    """The file's rows, or those of all files in a folder.

    Args:
        path: a file or a folder.
        name: what the user calls the file, where its path says something else.
        reading: how its bytes become cells, where that is not to be detected.
        limit: only so many rows of the beginning, in a time that does not grow with the file.

    Raises StudioError for everything that keeps it from being read: what is wrong, where, and what to do.
    """
    path = Path(path)
    name = PurePath(name).name if name else path.name
    reading = reading or Reading()
    if _is_folder(path):
        return _read_folder(path, name, reading, limit)
    whole = source(path, name)
    if limit is None:
        table = _read(whole, reading, None)
        give_back()  # the pieces that a large file came in
        return table
    start = whole.beginning(max(LOOK_BYTES, limit * LOOK_BYTES_A_ROW))
    if start.cut:
        try:
            table = _read(start, reading, limit)
            if len(table) >= limit:
                return table
        except StudioError:
            pass  # the cut itself may have broken it
    return _read(whole, reading, limit)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # said when it is opened
        return False


def _read_folder(folder: Path, name: str, reading: Reading, limit: int | None) -> Table:
    tables: list[Table] = []
    problems: list[str] = []
    left = limit
    paths, aside = files_in(folder, name, SUFFIXES, PROSE)
    for path in paths:
        if left is not None and left <= 0:
            break
        try:
            tables.append(read(path, reading=reading, limit=left))
        except StudioError as error:
            problems += error.problems
        else:
            left = None if left is None else left - len(tables[-1])
    if problems:
        raise StudioError(*problems)
    return joined(tables, name, aside)


def _read(source: Source, reading: Reading, limit: int | None) -> Table:
    head = source.head(HEAD_BYTES)
    for signature, read_binary in BINARY:
        if head.startswith(signature):
            return read_binary(source, reading, limit)
    refuse_unreadable(head, source.name)
    text = None if reading.encoding else plain(source)
    if text is not None:
        try:
            return _reader(text, reading)(text, reading, limit)
        except NotPlainError:
            pass  # broken bytes or NUL somewhere behind the beginning: looked at as a whole
    text = decode(source, reading.encoding)
    return _reader(text, reading)(text, reading, limit)


def _reader(text: Text, reading: Reading) -> TextReader:
    """By suffix, except that text which opens like JSON is JSON: no CSV header begins with a brace or `[{`.

    Prose may begin with a brace or a bracket too, so there more has to look like JSON.
    """
    suffix = suffix_of(text.name)
    start = "".join(text.head(200).split())
    for suffixes, reader in READERS:
        if suffix in suffixes:
            return read_json if start.startswith(("{", "[{")) else reader
    if start.startswith(JSON_STARTS):
        return read_json
    is_prose = suffix == ".md" and not reading.delimiter
    return read_delimited if not is_prose and looks_tabular(layout(text, reading)) else read_plain
