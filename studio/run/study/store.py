"""What `prepare` made of a large file, kept so that the page, its children and a run share it and none reads twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pyarrow as pa
from pydantic import TypeAdapter

from studio.data.dataset import Prepared
from studio.data.example import Examples
from studio.data.part import DataPart
from studio.data.table import Table
from studio.run.study.caches import Cache
from studio.run.study.columns import ColumnReader, ColumnWriter
from studio.run.study.keys import names_hub, prepared_key, stamps

FACTS = "prepared.json"
LARGE_ROWS = 20_000
LARGE_BYTES = 8_000_000
PACKED = (".gz", ".parquet", ".xlsx")
PACKED_TIMES = 8  # how many times its own size such a file may hold


def takes_long(part: DataPart) -> bool:
    """Whether its files are so large that a page would stand still while they are read; smaller ones take a moment."""
    sizes = (size * (PACKED_TIMES if path.lower().endswith(PACKED) else 1) for path, size, _ in stamps(part))
    return names_hub(part) or sum(sizes) > LARGE_BYTES


def stored(cache: Cache, part: DataPart) -> Prepared | None:
    """What was kept for this data part and its files as they are now, mapped from the disk; None where nothing was."""
    entry = cache.find(prepared_key(part))
    return load(entry.path) if entry else None


def store(cache: Cache, part: DataPart, prepared: Prepared) -> Prepared:
    """The same, kept where it is large; its columns are then those on the disk, and those in memory can go.

    Where the disk refuses it is returned as it is.
    """
    if len(prepared.table) <= LARGE_ROWS and prepared.table.cells.nbytes <= LARGE_BYTES:
        return prepared
    entry = cache.keep(prepared_key(part), lambda folder: save(prepared, folder))
    return load(entry.path) if entry else prepared


def save(prepared: Prepared, folder: Path) -> None:
    """Write it as columns and a JSON object that names them. Raises OSError where the disk refuses."""
    columns = ColumnWriter()
    facts = _saved(prepared, columns)
    columns.write(folder)
    (folder / FACTS).write_bytes(TypeAdapter(Any).dump_json(facts))


def load(folder: Path) -> Prepared:
    """What `save` wrote, its columns mapped from the disk."""
    return Prepared(**_loaded(Prepared, json.loads((folder / FACTS).read_bytes()), ColumnReader(folder)))


def _saved(record: Prepared | Table | Examples, columns: ColumnWriter) -> dict[str, Any]:
    """A dataclass as JSON values; every column in it is handed to `columns` and named here."""
    return {
        name: _value_saved(getattr(record, name), hint, columns) for name, hint in get_type_hints(type(record)).items()
    }


def _value_saved(value: Any, hint: Any, columns: ColumnWriter) -> Any:
    if value is None:
        return None
    if hint in (Table, Examples):
        return _saved(value, columns)
    if hint is pa.Table:
        return {name: columns.put(value[name]) for name in value.column_names}
    if hint in (np.ndarray, np.ndarray | None):
        return columns.put(pa.chunked_array([pa.array(value)]))
    if hint == dict[str, pa.ChunkedArray]:
        return {name: columns.put(column) for name, column in value.items()}
    return TypeAdapter(hint).dump_python(value, mode="json")


def _loaded(kind: type, facts: dict[str, Any], columns: ColumnReader) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {name: _value_loaded(value, hints[name], columns) for name, value in facts.items()}


def _value_loaded(value: Any, hint: Any, columns: ColumnReader) -> Any:
    if value is None:
        return None
    if hint in (Table, Examples):
        return hint(**_loaded(hint, value, columns))
    if hint is pa.Table:
        return pa.table({name: columns.get(column) for name, column in value.items()})
    if hint in (np.ndarray, np.ndarray | None):
        return columns.get(value).to_numpy()
    if hint == dict[str, pa.ChunkedArray]:
        return {name: columns.get(column) for name, column in value.items()}
    return TypeAdapter(hint).validate_python(value)
