"""Arrow columns in files that are mapped into memory, so that several processes share them and none reads them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

Address = tuple[object, ...]


class ColumnWriter:
    """Takes columns from any number of tables and writes each once, however many tables share its memory."""

    def __init__(self) -> None:
        self._names: dict[Address, str] = {}
        self._columns: dict[int, dict[str, pa.ChunkedArray]] = {}  # by length: a file holds columns of one length

    def put(self, column: pa.ChunkedArray) -> str:
        """The name that the column can be read by."""
        address = _address(column)
        if address not in self._names:
            self._names[address] = f"{len(column)}.{len(self._names)}"
            self._columns.setdefault(len(column), {})[self._names[address]] = column
        return self._names[address]

    def write(self, folder: Path) -> None:
        """Write every column. Raises OSError where the disk refuses."""
        for length, columns in self._columns.items():
            table = pa.table(columns)
            with pa.OSFile(str(folder / f"{length}.arrow"), "wb") as file, pa.ipc.new_file(file, table.schema) as out:
                out.write_table(table)


class ColumnReader:
    """The columns that a ColumnWriter left in a folder, mapped and not read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tables: dict[str, pa.Table] = {}

    def get(self, name: str) -> pa.ChunkedArray:
        """The column of that name."""
        length = name.partition(".")[0]
        if length not in self._tables:
            with pa.memory_map(str(self._folder / f"{length}.arrow")) as file:
                self._tables[length] = pa.ipc.open_file(file).read_all()
        return self._tables[length][name]


def _address(column: pa.ChunkedArray) -> Address:
    """Equal for columns over the same memory."""
    return (
        str(column.type),
        *(
            (chunk.offset, len(chunk), *(buffer.address if buffer else 0 for buffer in chunk.buffers()))
            for chunk in column.chunks
        ),
    )
