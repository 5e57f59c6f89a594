"""Several files at once: a folder's files as one table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from studio.data.files.gather import refuse_rows
from studio.data.files.unpack import suffix_of
from studio.data.findings import Finding
from studio.data.table import MAX_COLUMNS, Table
from studio.data.wording import counted, names, quoted
from studio.errors import StudioError

MAX_FILES = 1_000


def files_in(folder: Path, name: str, suffixes: Sequence[str], prose: Sequence[str]) -> tuple[list[Path], list[Path]]:
    """The readable files of a folder by name, hidden ones and folders inside it left alone, and those put aside.

    Prose beside tables is about them (README.md), and put aside; where there is nothing else, it is what to read.

    Raises StudioError where there is none, or far too many.
    """
    every = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    found = [path for path in every if path.name.lower().endswith(tuple(suffixes))]
    if not found:
        inside = names([path.name for path in every]) if every else "nothing"
        raise StudioError(
            f"{quoted(name)} is a folder without a file that is read ({inside}). Read are files whose names end in "
            f"{', '.join(suffixes)}."
        )
    if len(found) > MAX_FILES:
        raise StudioError(
            f"{quoted(name)} has {len(found):,} files and at most {MAX_FILES:,} are read. Join them first."
        )
    tables = [path for path in found if suffix_of(path.name) not in prose]
    return (tables, [path for path in found if path not in tables]) if tables else (found, [])


def joined(tables: Sequence[Table], name: str, aside: Sequence[Path] = ()) -> Table:
    """The rows of all tables, one after another: the columns of all, the numbers running on.

    Raises StudioError where there are too many rows or columns together.
    """
    refuse_rows(sum(map(len, tables)), name)
    columns = list(dict.fromkeys(column for table in tables for column in table.columns))
    if len(columns) > MAX_COLUMNS:
        raise StudioError(
            f"{quoted(name)} has {len(columns):,} columns in its files together, and at most {MAX_COLUMNS:,} are read. "
            "Choose files that belong together."
        )
    starts = np.cumsum([0, *(table.total for table in tables)])[:-1].tolist()
    findings = [
        _moved(each, table.name, start) for table, start in zip(tables, starts, strict=True) for each in table.findings
    ]
    notes = [
        f"{quoted(table.name)}: {table.format}, {table.encoding}, {counted(len(table), 'row')}, the first is number "
        f"{start + 1:,}"
        for table, start in zip(tables, starts, strict=True)
    ]
    left = [f"not read, because it is about the others: {names([path.name for path in aside])}"] if aside else []
    formats, encodings = ({getattr(table, each) for table in tables} for each in ("format", "encoding"))
    return Table(
        name,
        pa.concat_tables([table.cells for table in tables], promote_options="default").select(columns),
        formats.pop() if len(formats) == 1 else "several",
        encodings.pop() if len(encodings) == 1 else "several",
        notes=(f"{counted(len(tables), 'file')}, one after another", *notes, *left),
        numbers=np.concatenate([table.numbers + start for table, start in zip(tables, starts, strict=True)]),
        findings=tuple(findings),
        nested={column: _nested(tables, column) for column in columns if any(column in each.nested for each in tables)},
    )


def _nested(tables: Sequence[Table], column: str) -> pa.ChunkedArray:
    chunks: list[pa.Array] = []
    for table in tables:
        inside = table.nested.get(column)
        chunks += [pa.nulls(len(table), pa.large_string())] if inside is None else inside.chunks
    return pa.chunked_array(chunks, pa.large_string())


def _moved(found: Finding, name: str, start: int) -> Finding:
    """A finding of one file among several; its sentence speaks of the rows of that file."""
    return found.model_copy(
        update={"rows": [row + start for row in found.rows], "message": f"In {quoted(name)}: {found.message}"}
    )
