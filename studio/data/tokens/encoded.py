"""Rows of token ids in Arrow columns: a million of them cost little more than their ids."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

IGNORED = -100  # the label that cross-entropy leaves out

IDS = pa.list_(pa.int32())
MASK = pa.list_(pa.bool_())
SCHEMA = pa.schema(
    [("row", pa.int64()), ("input_ids", IDS), ("trained", MASK), ("length", pa.int32()), ("prompt", pa.int32())]
)
_KEPT = b"atelier"


@dataclass(frozen=True, eq=False)
class Encoded:
    """Rows of token ids, and which of them are learned from.

    `table` has the columns of SCHEMA: the source row number, the ids, a truth value for each id, the number of tokens
    before any cut, and the number of tokens before the first that is learned from (all, where nothing is).

    `cut` are the source rows that lost their end, `dropped` those left without anything to learn: both are known once
    `cut_at` was asked for a longest row. `refused` are the rows that the chat template could not render, by its reason,
    and `notes` say what the template does differently from what the rows ask for.
    """

    table: pa.Table
    cut: list[int] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    refused: dict[str, list[int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.table.num_rows

    @cached_property
    def rows(self) -> list[int]:
        """The source row numbers."""
        return list(self.table["row"].to_pylist())

    @cached_property
    def lengths(self) -> np.ndarray:
        """Tokens of each row before any cut, int32."""
        return self.table["length"].to_numpy()

    @cached_property
    def prompts(self) -> np.ndarray:
        """Tokens of each row before the first that is learned from, int32."""
        return self.table["prompt"].to_numpy()

    @cached_property
    def input_ids(self) -> list[list[int]]:
        """The ids as lists, for few rows; `for_trainer` has them all without copies."""
        return list(self.table["input_ids"].to_pylist())

    @cached_property
    def labels(self) -> list[list[int]]:
        """For each id itself, or -100 where nothing is learned from it."""
        return list(self.for_trainer()["labels"].to_pylist())

    def for_trainer(self) -> pa.Table:
        """Columns `input_ids` and `labels`, lists of int32 of equal lengths."""
        labels = [_labels(batch) for batch in self.table.to_batches()]
        return pa.table({"input_ids": self.table["input_ids"], "labels": pa.chunked_array(labels, IDS)})

    def take(self, places: Sequence[int] | np.ndarray) -> Encoded:
        """The rows at these places."""
        return replace(self, table=self.table.take(pa.array(places, pa.int64())))

    def to_arrow(self) -> pa.Table:
        """One Arrow table with all that is known, for a file."""
        facts = {"cut": self.cut, "dropped": self.dropped, "refused": self.refused, "notes": self.notes}
        return self.table.replace_schema_metadata({_KEPT: json.dumps(facts).encode()})

    @classmethod
    def from_arrow(cls, table: pa.Table) -> Encoded:
        """What `to_arrow` gave."""
        facts: dict[str, Any] = json.loads((table.schema.metadata or {}).get(_KEPT, b"{}"))
        facts["notes"] = tuple(facts.get("notes", ()))
        return cls(table.replace_schema_metadata(None), **facts)


def cut_at(encoded: Encoded, max_length: int) -> Encoded:
    """The rows without what is beyond `max_length` tokens, and without those that then hold nothing to learn."""
    batches = []
    cut: list[int] = []
    dropped: list[int] = []
    for batch in encoded.table.to_batches():
        rows, prompts = batch["row"].to_numpy(), batch["prompt"].to_numpy()
        sizes = _sizes(batch["input_ids"])
        kept = prompts < np.minimum(sizes, max_length)
        dropped.extend(rows[~kept].tolist())
        cut.extend(rows[kept & (sizes > max_length)].tolist())
        batches.append(_shortened(batch, sizes, kept, max_length))
    table = pa.Table.from_batches(batches, SCHEMA)
    return replace(encoded, table=table, cut=[*encoded.cut, *cut], dropped=[*encoded.dropped, *dropped])


def batch_of(rows: Sequence[int], ids: Sequence[Sequence[int]] | pa.Array, trained: np.ndarray) -> pa.RecordBatch:
    """Rows as a batch of SCHEMA. `trained` has a truth value for each id of all rows, one row after the other."""
    lists = ids if isinstance(ids, pa.Array) else pa.array(ids, IDS)
    offsets = lists.offsets
    mask = pa.ListArray.from_arrays(offsets, pa.array(trained, pa.bool_()))
    sizes = np.diff(offsets.to_numpy())
    return pa.record_batch(
        [pa.array(rows, pa.int64()), lists, mask, pa.array(sizes, pa.int32()), pa.array(_first(trained, offsets))],
        schema=SCHEMA,
    )


def places_in_rows(sizes: np.ndarray) -> np.ndarray:
    """For rows of these sizes laid end to end, the place of each token within its row, from 0."""
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.arange(int(sizes.sum())) - starts


def _first(trained: np.ndarray, offsets: pa.Array) -> np.ndarray:
    """The place of the first trained token in each row, or the row's size."""
    starts = offsets.to_numpy()
    hits = np.flatnonzero(trained)
    nearest = np.append(hits, len(trained))[np.searchsorted(hits, starts[:-1])]
    return (np.minimum(nearest, starts[1:]) - starts[:-1]).astype(np.int32)


def _sizes(lists: pa.Array) -> np.ndarray:
    return np.diff(lists.offsets.to_numpy())


def _shortened(batch: pa.RecordBatch, sizes: np.ndarray, kept: np.ndarray, max_length: int) -> pa.RecordBatch:
    if kept.all() and (not len(sizes) or sizes.max() <= max_length):
        return batch
    tokens = np.repeat(kept, sizes) & (places_in_rows(sizes) < max_length)
    offsets = pa.array(np.concatenate([[0], np.cumsum(np.minimum(sizes[kept], max_length))]), pa.int32())
    lists = [
        pa.ListArray.from_arrays(offsets, batch[name].flatten().filter(pa.array(tokens)))
        for name in ("input_ids", "trained")
    ]
    rest = [batch[name].filter(pa.array(kept)) for name in ("row", "length", "prompt")]
    return pa.record_batch([rest[0], *lists, *rest[1:]], schema=SCHEMA)


def _labels(batch: pa.RecordBatch) -> pa.Array:
    ids, trained = batch["input_ids"], batch["trained"]
    values = np.where(trained.flatten().to_numpy(zero_copy_only=False), ids.flatten().to_numpy(), IGNORED)
    offsets = ids.offsets.to_numpy()
    return pa.ListArray.from_arrays(pa.array(offsets - offsets[0], pa.int32()), pa.array(values, pa.int32()))
