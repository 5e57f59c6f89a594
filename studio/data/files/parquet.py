"""Parquet: what its metadata promises is looked at before anything is unpacked, and counted again while it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from studio.data.files.gather import BATCH_ROWS, MEMORY, json_of, refuse_long, refuse_rows
from studio.data.files.json_exact import MAX_DEPTH
from studio.data.files.unpack import MAX_BYTES, Source
from studio.data.part import Reading
from studio.data.table import MAX_COLUMNS, Table
from studio.data.wording import names, quoted
from studio.errors import StudioError

MAX_VALUES = 200_000_000
"""Values of one column, those inside lists included. A few bytes can promise any number of them."""


def read_parquet(source: Source, reading: Reading, limit: int | None) -> Table:
    """The rows of a Parquet file; it has nothing that `reading` could choose.

    Raises StudioError where it is broken, or would unpack to more than is read.
    """
    try:
        return _read(source, limit)
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise StudioError(
            f"{quoted(source.name)} is a Parquet file by its first bytes and cannot be read: {_short(error)}. It may "
            "have been cut off in a download; fetch or save it again."
        ) from None


def _read(source: Source, limit: int | None) -> Table:
    whole = pa.BufferReader(source.whole()) if source.gzipped else pa.OSFile(str(source.path), "rb")
    with whole, pq.ParquetFile(whole) as opened:
        _refuse_bomb(opened.metadata, source.name)
        leaves = [opened.metadata.schema.column(i).path for i in range(opened.metadata.num_columns)]
    again = pa.BufferReader(source.whole()) if source.gzipped else pa.OSFile(str(source.path), "rb")
    # A text that is repeated a million times stays one until it is known how long they are together.
    with again, pq.ParquetFile(again, read_dictionary=leaves) as file:
        return _table(file, source, limit)


def _refuse_bomb(metadata: Any, name: str) -> None:
    refuse_rows(metadata.num_rows, name)
    if metadata.num_columns > MAX_COLUMNS:
        raise StudioError(
            f"{quoted(name)} has {metadata.num_columns:,} columns and at most {MAX_COLUMNS:,} are read. Keep the "
            "columns with the prompts and the completions."
        )
    schema = metadata.schema
    if any(schema.column(i).path.count(".") > MAX_DEPTH for i in range(metadata.num_columns)):
        raise StudioError(f"{quoted(name)} nests lists or structs more than {MAX_DEPTH} levels deep. Flatten them.")
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    unpacked = sum(group.total_byte_size for group in groups)
    if unpacked > MAX_BYTES:
        raise _too_large(name, unpacked)
    for place in range(metadata.num_columns):
        values = sum(group.column(place).num_values for group in groups)
        if values > MAX_VALUES:
            raise StudioError(
                f"{quoted(name)} has {values:,} values in {quoted(groups[0].column(place).path_in_schema, 40)}, and at "
                f"most {MAX_VALUES:,} are read. Train on a part of it."
            )


def _table(file: pq.ParquetFile, source: Source, limit: int | None) -> Table:
    columns = tuple(file.schema_arrow.names)
    if len(set(columns)) < len(columns):
        raise StudioError(f"{quoted(source.name)} gives two columns one name ({names(columns)}). Rename one of them.")
    texts: dict[str, list[pa.Array]] = {column: [] for column in columns}
    nested: dict[str, list[pa.Array]] = {column: [] for column in columns}
    unread: dict[str, None] = {}
    rows = unpacked = 0
    for group in _groups(file, limit):
        unpacked += sum(_unpacked_bytes(chunk) for column in group.columns for chunk in column.chunks)
        if unpacked > MAX_BYTES:
            raise _too_large(source.name, unpacked)
        for batch in group.to_batches(BATCH_ROWS):
            for column in columns:
                text, inner = _arrays(batch.column(column))
                if text is None:
                    unread[column] = None
                    text = _nulls(batch.num_rows)
                refuse_long(text, column, rows, source.name)
                texts[column].append(text)
                nested[column].append(_nulls(batch.num_rows) if inner is None else inner)
            rows += batch.num_rows
        if limit is not None and rows >= limit:
            break
    kept = [column for column in columns if column not in unread]
    if not rows or not kept:
        what = "no rows" if kept else "only columns of bytes that are no text"
        raise StudioError(
            f"{quoted(source.name)} is a Parquet file with {what} ({names(columns)}). Add a row per example."
        )
    cells = pa.table({column: pa.chunked_array(texts[column], pa.large_string()) for column in kept})
    inside = {column: pa.chunked_array(nested[column], pa.large_string()) for column in kept}
    notes = (f"bytes that are no text were left out: {names(unread)}",) if unread else ()
    return Table(
        source.name,
        cells.slice(0, limit),
        "parquet",
        "utf-8",
        notes=(*source.notes, *notes),
        nested={column: each.slice(0, limit) for column, each in inside.items() if each.null_count < len(each)},
    )


def _groups(file: pq.ParquetFile, limit: int | None) -> Iterator[pa.Table]:
    """The row groups, still packed; where only the first rows are wanted, no more than these."""
    if limit is None:
        for place in range(file.num_row_groups):
            yield file.read_row_group(place, use_threads=False)
    else:
        for batch in file.iter_batches(min(limit, BATCH_ROWS), use_threads=False):
            yield pa.Table.from_batches([batch])


def _nulls(length: int) -> pa.Array:
    return pa.nulls(length, pa.large_string())


def _arrays(array: pa.Array) -> tuple[pa.Array | None, pa.Array | None]:
    """The texts of a column, and the JSON of what is nested in it; None for bytes that are no text."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_nested(array.type):
        cells = [None if cell is None else json_of(cell) for cell in array.to_pylist()]
        return _nulls(len(array)), pa.array(cells, pa.large_string())
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_nan(array), None, array)
    try:
        texts = array.cast(pa.large_string(), memory_pool=MEMORY)
        texts.validate(full=True)  # a column of texts may hold any bytes
        return texts, None
    except pa.ArrowInvalid:
        return (_mended(array), None) if _is_text(array.type) else (None, None)
    except (pa.ArrowNotImplementedError, pa.ArrowTypeError):
        return pa.array([None if cell is None else str(cell) for cell in array.to_pylist()], pa.large_string()), None


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _mended(array: pa.Array) -> pa.Array:
    """Texts in which bytes that are no UTF-8 became the replacement character."""
    cells = array.cast(pa.large_binary()).to_pylist()
    return pa.array([None if cell is None else cell.decode("utf-8", "replace") for cell in cells], pa.large_string())


def _unpacked_bytes(array: pa.Array) -> int:
    """How many bytes the array has once a repeated text is written out each time."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        if not _has_lengths(kind.value_type):
            return int(array.nbytes)
        return int(pc.sum(pc.binary_length(array.dictionary).take(array.indices)).as_py() or 0)
    if pa.types.is_struct(kind):
        return sum(_unpacked_bytes(array.field(i)) for i in range(kind.num_fields))
    if pa.types.is_map(kind):
        return _unpacked_bytes(array.keys) + _unpacked_bytes(array.items)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return int(array.nbytes) + _unpacked_bytes(array.flatten())
    return int(array.nbytes)


def _has_lengths(kind: pa.DataType) -> bool:
    return any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary))


def _too_large(name: str, unpacked: int) -> StudioError:
    return StudioError(
        f"{quoted(name)} unpacks to {unpacked / 2**30:.1f} GiB or more, and at most {MAX_BYTES / 2**30:.0f} GiB is "
        "read. Train on a part of it: the first 100,000 rows are plenty to begin with."
    )


def _short(error: Exception) -> str:
    return quoted(str(error).splitlines()[0] if str(error) else type(error).__name__, 120)
