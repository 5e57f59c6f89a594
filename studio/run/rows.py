"""The rows that a run is made with, as JSON lines in its folder."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import orjson
import pyarrow as pa

from studio.data.example import BATCH, TEXTS, Examples, ExampleType


def write_rows(path: Path, examples: Examples) -> None:
    """One object an example, without its empty optional fields."""
    names = [name for name in TEXTS if examples.has(name)]
    with path.open("wb") as file:
        for numbers, *texts in examples.batches("row", *names):
            for row, *cells in zip(numbers, *texts, strict=True):
                said = {name: text for name, text in zip(names, cells, strict=True) if text or name in TEXTS[:2]}
                file.write(orjson.dumps({"row": row, **said}, option=orjson.OPT_APPEND_NEWLINE))


def read_rows(path: Path, type: ExampleType) -> Examples:
    """The examples that `write_rows` wrote."""
    tables = list(_tables(path))
    if not tables:
        return Examples.of([], type)
    table = pa.concat_tables(tables)
    filled = [name for name in TEXTS if name in TEXTS[:2] or table[name].null_count < len(table)]
    return Examples.of_columns(table["row"], {name: table[name].fill_null("") for name in filled}, type)


def _tables(path: Path) -> Iterator[pa.Table]:
    with path.open("rb") as lines:
        while batch := [orjson.loads(line) for line in islice(lines, BATCH)]:
            texts = {name: pa.array([row.get(name) for row in batch], pa.large_string()) for name in TEXTS}
            yield pa.table({"row": pa.array([row["row"] for row in batch], pa.int64()), **texts})
