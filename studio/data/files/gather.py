"""Rows that arrive in batches, kept as Arrow columns: no row is held as a dictionary for longer than its batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from studio.data.table import MAX_CELL_CHARACTERS, MAX_COLUMNS, MAX_ROWS, Row, text_of
from studio.data.wording import counted, names, quoted
from studio.errors import StudioError

BATCH_ROWS = 10_000

MEMORY = pa.system_memory_pool()
"""For what is kept: Arrow's usual pool takes half as much again for a column of many small batches."""

NAMELESS = "(no name)"

WRITTEN_CHARACTERS = 300
"""A longer number inside a list or an object becomes a text: no parser reads it back."""


class WrittenNumber(str):
    """A number as the file writes it: 3.10 is not 3.1."""

    __slots__ = ()


Cells = dict[str, Sequence[Any]]


class Gather:
    """The columns of a table that grows by batches of rows.

    A name that is first met in a later batch is null in the batches before it. `columns` are there in any case.
    """

    def __init__(self, name: str, columns: Sequence[str] = ()) -> None:
        self._name = name
        self._texts: dict[str, list[pa.Array]] = {column: [] for column in columns}
        self._nested: dict[str, dict[int, pa.Array]] = {}
        self._sizes: list[int] = []
        self._named: list[np.ndarray] = []
        self._present: dict[str, int] = {}
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def add(self, rows: Sequence[Row]) -> None:
        """One more batch.

        Raises StudioError where there are too many rows or names, or a cell beyond the limit.
        """
        if not rows:
            return
        refuse_rows(self._rows + len(rows), self._name)
        cells = self._declare(rows)
        for column, arrays in self._texts.items():
            texts, nested = _arrays(cells.get(column) or [row.get(column) for row in rows])
            refuse_long(texts, column, self._rows, self._name)
            arrays.append(texts)
            if nested is not None:
                self._nested.setdefault(column, {})[len(self._sizes)] = nested
        self._sizes.append(len(rows))
        self._rows += len(rows)

    def _declare(self, rows: Sequence[Row]) -> Cells:
        """Notes the names of these rows, and which rows have how many. The cells by name, where all have the same."""
        cells = _same_names(rows)
        counts = dict.fromkeys(cells, len(rows))
        if not cells:
            for row in rows:
                for column in row:
                    counts[column] = counts.get(column, 0) + 1
        self._named.append(np.fromiter(map(len, rows), np.int32, len(rows)))
        for column, count in counts.items():
            self._present[column] = self._present.get(column, 0) + count
            if column not in self._texts:
                self._texts[column] = [pa.nulls(size, pa.large_string()) for size in self._sizes]
        if len(self._texts) > MAX_COLUMNS:
            raise StudioError(
                f"{quoted(self._name)} has rows with more than {MAX_COLUMNS:,} different names ({names(self._texts)}), "
                "so the names are data themselves. Put the texts into values, under two names such as prompt and "
                "completion."
            )
        return cells

    def cells(self) -> pa.Table:
        """`Table.cells` of all batches.

        Raises StudioError where no row has a name.
        """
        if not self._texts:
            raise StudioError(
                f"{quoted(self._name)} has {counted(self._rows, 'object')} and all are empty. Give each a prompt and a "
                "completion."
            )
        for name, arrays in self._texts.items():
            self._texts[name] = [whole(arrays)]
        return pa.table({_named(name): arrays[0] for name, arrays in self._texts.items()})

    def nested(self) -> dict[str, pa.ChunkedArray]:
        """`Table.nested` of all batches."""
        return {
            _named(name): pa.chunked_array(
                [self._nested[name].get(i, pa.nulls(size, pa.large_string())) for i, size in enumerate(self._sizes)],
                pa.large_string(),
            )
            for name in self._texts
            if name in self._nested
        }

    def lacking(self) -> tuple[list[int], list[str]]:
        """The numbers of the rows in which a name is missing, and the names that are missing in some."""
        widths = np.concatenate(self._named) if self._named else np.empty(0, np.int32)
        rows = np.flatnonzero(widths < len(self._texts)) + 1
        return rows.tolist(), [name for name, count in self._present.items() if count < self._rows]


def gather(rows: Iterable[Row], name: str, limit: int | None = None) -> Gather:
    """The columns of these rows, at most `limit` of them."""
    gathered = Gather(name)
    for batch in batches(rows if limit is None else islice(rows, limit)):
        gathered.add(batch)
    return gathered


def batches(items: Iterable[Any], size: int = BATCH_ROWS) -> Iterator[list[Any]]:
    """The items in lists of at most `size`."""
    each = iter(items)
    while batch := list(islice(each, size)):
        yield batch


def whole(arrays: list[pa.Array]) -> pa.Array:
    """A column of texts in one piece, whose pieces are let go: of several columns only one is there twice."""
    column = pa.concat_arrays(arrays, MEMORY) if arrays else pa.array([], pa.large_string())
    arrays.clear()
    return column


def refuse_rows(number: int, name: str) -> None:
    """Raises StudioError where a file has more rows than are read."""
    if number > MAX_ROWS:
        raise StudioError(
            f"{quoted(name)} has more than {MAX_ROWS:,} rows, the most that are read. Train on a part of it: the first "
            "100,000 rows are plenty to begin with."
        )


def refuse_long(texts: pa.Array, column: str, before: int, name: str) -> None:
    """Raises StudioError where a text of a batch is longer than is read; `before` rows came before the batch."""
    if texts.nbytes <= MAX_CELL_CHARACTERS:
        return
    lengths = pc.fill_null(pc.utf8_length(texts), 0).to_numpy(zero_copy_only=False)
    if lengths.max() > MAX_CELL_CHARACTERS:
        place = int(np.argmax(lengths > MAX_CELL_CHARACTERS))
        raise StudioError(
            f"{quoted(name)}: row {before + place + 1:,} has a {quoted(column, 40)} of {lengths[place]:,} characters, "
            f"and at most {MAX_CELL_CHARACTERS:,} are read. Shorten it or remove the row."
        )


def _named(column: str) -> str:
    return column or NAMELESS


def _same_names(rows: Sequence[Row]) -> Cells:
    """The cells of each name, where all rows have the same names; else none."""
    first = tuple(rows[0])
    if not first or set(map(len, rows)) != {len(first)}:
        return {}
    try:
        if len(first) == 1:
            return {first[0]: list(map(itemgetter(first[0]), rows))}
        return dict(zip(first, zip(*map(itemgetter(*first), rows), strict=True), strict=True))
    except KeyError:
        return {}


def _arrays(cells: Sequence[Any]) -> tuple[pa.Array, pa.Array | None]:
    """One column of a batch: its texts, and the JSON of its lists and objects where it has some."""
    try:
        return _array(cells), None
    except pa.ArrowTypeError:  # something other than texts
        kinds = set(map(type, cells)) - {type(None)}
    if kinds == {int} or kinds == {bool}:
        try:
            return pa.array(cells, memory_pool=MEMORY).cast(pa.large_string()), None
        except (OverflowError, pa.ArrowInvalid):  # beyond 64 bits
            pass
    texts = _array([None if cell is None else _text(cell) for cell in cells])
    nested = [json_of(cell) if isinstance(cell, (list, dict)) else None for cell in cells]
    return texts, _array(nested) if kinds & {list, dict} else None


def _array(cells: Sequence[Any]) -> pa.Array:
    return pa.array(cells, pa.large_string(), memory_pool=MEMORY)


def _text(cell: Any) -> str | None:
    return orjson.dumps(cell).decode() if type(cell) is float else text_of(cell)


def json_of(cell: Any) -> str:
    """A list or an object as compact JSON; numbers stay as they were written."""
    return orjson.dumps(cell, default=_other, option=orjson.OPT_PASSTHROUGH_SUBCLASS).decode()


def _other(cell: Any) -> Any:
    """What orjson does not write by itself: numbers as written, and what Parquet may hold beside JSON's own types."""
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "replace")
    text = str(cell)
    if isinstance(cell, WrittenNumber) and len(text) <= WRITTEN_CHARACTERS:
        try:
            orjson.loads(text)
            return orjson.Fragment(text)
        except orjson.JSONDecodeError:  # NaN and what is beyond a double
            return text
    return text
