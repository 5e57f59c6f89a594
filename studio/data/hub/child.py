"""The process that speaks with the Hub about datasets: `python -m studio.data.hub.child REQUEST`, JSON lines out.

The page never imports `datasets`, and a fetch has to end when it is cancelled, so both happen here. Rows come only from
files that hold plain values (Parquet, JSON, CSV, text) of the dataset itself: no scripts, no pickles, no file
that its card names elsewhere, on this machine or another. It ends when its standard input closes.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from studio.data.hub.wire import ROWS_FILE, Done, Failed, Found, Progress, Request, SoFar
from studio.data.hub.words import Wanted, in_words
from studio.data.wording import counted, names, quoted
from studio.errors import StudioError

PLAIN = ("parquet", "json", "csv", "text", "arrow")
"""The readers of `datasets` that make rows of plain values, by the name of their module."""

FIRST = re.compile(r"(?P<split>.+)\[:(?P<rows>\d+)\]")
BATCH = 2_000  # rows written at once


class Hub:
    """One dataset of the Hub at one revision."""

    def __init__(self, request: Request) -> None:
        from datasets.load import dataset_module_factory
        from huggingface_hub import HfApi

        api = HfApi()
        self._request = request
        self.info = api.dataset_info(request.id, revision=request.revision or None)
        if self.info.gated:
            api.auth_check(request.id, repo_type="dataset")
        self._address = f"hf://datasets/{request.id}"
        module = dataset_module_factory(self._address, revision=self.info.sha)
        self._reader = module.module_path.rpartition(".")[2]
        self._parameters = module.builder_configs_parameters
        if self._reader not in PLAIN:
            raise StudioError(
                f"{request.id} holds its rows as {self._reader}, and only Parquet, JSON, CSV and text files are read "
                "from the Hub. Choose another dataset, or save its text as one of these."
            )

    def choices(self) -> dict[str, tuple[str, ...]]:
        """The splits of each subset."""
        return {config.name: self._splits(config) for config in self._parameters.builder_configs}

    def rows(self) -> tuple[Iterator[Any], int | None]:
        """Arrow tables of the rows asked for, and how many rows there are where the dataset says so."""
        subset = self.subset
        splits = self.choices()[subset]
        named = FIRST.fullmatch(self._request.split)
        split = named["split"] if named else self._request.split
        if split not in splits:
            raise StudioError(
                f"{self._request.id} has no split {quoted(split)} in its subset {quoted(subset)}. It has "
                f"{names(splits)}: choose one of them."
            )
        builder = self._builder(subset)
        known = (builder.info.splits or {}).get(split)
        total = known.num_examples if known else None
        rows = builder.as_streaming_dataset(split=split)
        if named:
            rows, total = rows.take(int(named["rows"])), min(int(named["rows"]), total or int(named["rows"]))
        return rows.with_format("arrow").iter(batch_size=BATCH), total

    @cached_property
    def subset(self) -> str:
        """The subset asked for, else the default one."""
        subsets = [config.name for config in self._parameters.builder_configs]
        asked = self._request.subset
        if asked in subsets:
            return asked
        if asked:
            raise StudioError(
                f"{self._request.id} has no subset {quoted(asked)}. It has {names(subsets)}: choose one of them."
            )
        usual = (self._parameters.default_config_name, "default")
        found = next((name for name in usual if name in subsets), subsets[0] if len(subsets) == 1 else None)
        if found is None:
            raise StudioError(
                f"{self._request.id} has several subsets and none of them is its default. Choose one of "
                f"{names(subsets)}."
            )
        return found

    def _splits(self, config: Any) -> tuple[str, ...]:
        files = config.data_files or self._builder(config.name).config.data_files
        return tuple(map(str, files))

    def _builder(self, subset: str) -> Any:
        from datasets import load_dataset_builder

        return load_dataset_builder(self._address, name=subset, revision=self.info.sha)


def fetch(request: Request) -> Done:
    """Write the rows and their provenance into the request's draft folder."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    hub = Hub(request)
    tables, total = hub.rows()
    _refuse_too_large(request, total or 0, 0)
    rows = size = 0
    left_out: tuple[str, ...] = ()
    with contextlib.ExitStack() as open_files:
        writer: Any = None
        for table in tables:
            plain = _plain(table)
            if writer is None:
                left_out = tuple(name for name in table.column_names if name not in plain.column_names)
                writer = open_files.enter_context(pq.ParquetWriter(Path(request.draft, ROWS_FILE), plain.schema))
            try:
                writer.write_table(_as(plain, writer.schema))
            except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
                raise StudioError(
                    f"{request.id}: the rows after row {rows:,} have columns of another kind than those before "
                    f"({error!s:.200}). Download its files and choose those that belong together."
                ) from None
            rows, size = rows + plain.num_rows, size + plain.nbytes
            _refuse_too_large(request, rows, size)
            _say(SoFar(done=rows, total=total))
    if not rows:
        raise StudioError(f"{request.id} has no rows in its split {quoted(request.split)}. Choose another split.")
    return Done(
        id=request.id,
        revision=str(hub.info.sha),
        subset=hub.subset,
        split=request.split,
        rows=rows,
        licence=_licence(hub.info),
        left_out=left_out,
        fetched=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )


def _plain(table: Any) -> Any:
    """The table without columns of images and sounds; columns of a kind of their own as what they are stored as."""
    import pyarrow as pa

    for name in table.column_names:
        column = table[name]
        if isinstance(column.type, pa.BaseExtensionType):
            table = table.set_column(table.column_names.index(name), name, column.cast(column.type.storage_type))
    return table.drop_columns([field.name for field in table.schema if "binary" in str(field.type)])


def _as(table: Any, schema: Any) -> Any:
    """The table with the columns of the first one; a column that is missing is empty."""
    import pyarrow as pa

    present = set(table.column_names)
    columns = [
        table[field.name].cast(field.type) if field.name in present else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    if extra := present - set(schema.names):
        raise pa.ArrowInvalid(f"new columns: {names(sorted(extra))}")
    return pa.table(columns, schema=schema)


def _refuse_too_large(request: Request, rows: int, size: int) -> None:
    if rows > request.most_rows or size > request.most_bytes:
        limit = counted(request.most_rows, "row") if rows > request.most_rows else f"{request.most_bytes:,} bytes"
        split = request.split.partition("[")[0]
        raise StudioError(
            f"{request.id} has more than {limit} in its split {quoted(split)}, which is more than one machine trains "
            f"on in days. Set the split to {split}[:100000] to take its first 100,000 rows."
        )


def _licence(info: Any) -> str:
    licence = (info.card_data.to_dict() if info.card_data else {}).get("license", "")
    return ", ".join(map(str, licence)) if isinstance(licence, list) else str(licence)


def _message(request: Request, error: Exception) -> str:
    """What went wrong; the words of `datasets` where it is nobody's known trouble."""
    from datasets.exceptions import DataFilesNotFoundError, DatasetNotFoundError

    if isinstance(error, StudioError):
        return str(error)
    if "don't belong to" in str(error):  # `datasets` opens none of them
        return (
            f"The card of {request.id} says that its rows are in files which are not its own. Such a dataset is not "
            "read. Choose another one."
        )
    if "scripts are no longer supported" in str(error):
        return (
            f"{request.id} is made by a script, and the studio never runs code from the Hub. Look for a copy of it in "
            "Parquet, JSON or CSV files."
        )
    if isinstance(error, (DataFilesNotFoundError, DatasetNotFoundError)) or "data file format" in str(error):
        return (
            f"{request.id} has no rows that can be read: it needs Parquet, JSON, CSV or text files, all of one kind. "
            f"Look at https://huggingface.co/datasets/{request.id}, or choose another dataset."
        )
    return in_words(Wanted(request.id, "dataset"), error)


def _say(line: Progress) -> None:
    sys.__stdout__.write(line.model_dump_json() + "\n")  # type: ignore[union-attr]
    sys.__stdout__.flush()  # type: ignore[union-attr]


def _leave_with_parent(draft: str, finished: threading.Event) -> None:
    """Wait until standard input closes, then leave nothing half done behind."""
    sys.stdin.buffer.read()
    if draft and not finished.is_set():
        shutil.rmtree(draft, ignore_errors=True)
    os._exit(1)


def main() -> None:
    """Do what the one argument asks for."""
    request = Request.model_validate_json(sys.argv[1])
    finished = threading.Event()
    threading.Thread(target=_leave_with_parent, args=(request.draft, finished), daemon=True).start()
    with contextlib.redirect_stdout(sys.stderr):  # what a library prints is no line of ours
        try:
            if request.draft:
                done = fetch(request)
                provenance = json.dumps(done.model_dump(exclude={"kind"}), indent=1, ensure_ascii=False)
                Path(request.draft, "provenance.json").write_text(provenance + "\n", "utf-8")
                finished.set()
                _say(done)
            else:
                _say(Found(choices=Hub(request).choices()))
        except Exception as error:
            _say(Failed(message=_message(request, error)))
    sys.stderr.flush()
    os._exit(0)  # threads of a half-read stream would keep it waiting


if __name__ == "__main__":
    main()
