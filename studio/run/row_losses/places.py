"""Where each row of tokens comes from: its place in data/train.jsonl, which tells rows of several sets apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from studio.data.example import Examples
from studio.data.tokens.encoded import Encoded

PLACE = "place"  # the column that a trainer's rows carry; of packed rows it has a list


def with_places(table: pa.Table, places: np.ndarray) -> pa.Table:
    """Rows for a trainer, each with its place."""
    return table.append_column(PLACE, pa.array(places, pa.int32()))


def by_place(examples: Examples) -> Examples:
    """The same examples, each with its place in place of its row number."""
    table = examples.table if examples.order is None else examples.table.take(examples.order)
    numbers = pa.array(np.arange(len(examples)), pa.int64())
    return Examples(table.set_column(table.column_names.index("row"), "row", numbers), examples.type)


def named_as_in(encoded: Encoded, examples: Examples) -> Encoded:
    """What was encoded by place, with the rows that were lost or cut named by their numbers again."""

    def numbers(places: Iterable[int]) -> list[int]:
        return [int(examples.rows[place]) for place in places]

    refused = {reason: numbers(places) for reason, places in encoded.refused.items()}
    return replace(encoded, cut=numbers(encoded.cut), dropped=numbers(encoded.dropped), refused=refused)


def places_of(encoded: Encoded, examples: Examples) -> np.ndarray:
    """The place among `examples` of each row of tokens, int32, where those bear row numbers.

    Where several sets are mixed a number may stand for several rows: the next one from the place of the row before is
    meant, since tokens come in the order of their rows.
    """
    found, rows = np.asarray(encoded.table["row"].to_numpy()), examples.rows
    order = np.argsort(rows, kind="stable")
    first = np.searchsorted(rows[order], found)
    if len(np.unique(rows)) == len(rows):
        return order[first].astype(np.int32)
    after = np.searchsorted(rows[order], found, "right")
    places, at = np.empty(len(found), np.int32), 0
    for each, (start, end) in enumerate(zip(first.tolist(), after.tolist(), strict=True)):
        next_one = start + int(np.searchsorted(order[start:end], at))
        at = places[each] = order[next_one if next_one < end else start]
    return places


def spread(table: pa.Table) -> pa.Table:
    """Rows whose place stands at each of their tokens, so that it can be packed together with them."""
    sizes = pc.list_value_length(table["input_ids"]).to_numpy()
    offsets = pa.array(np.concatenate([[0], np.cumsum(sizes)]), pa.int64())
    each = pa.LargeListArray.from_arrays(offsets, pa.array(np.repeat(table[PLACE].to_numpy(), sizes), pa.int32()))
    return table.set_column(table.column_names.index(PLACE), PLACE, each.cast(pa.list_(pa.int32())))


def gathered(table: pa.Table) -> pa.Table:
    """Packed rows with the place of each row that lies in them once, as `seq_lengths` has the lengths."""
    sizes = table["seq_lengths"].combine_chunks()
    lengths = pc.list_flatten(sizes).to_numpy()
    places = pc.list_flatten(table[PLACE]).to_numpy()[np.cumsum(lengths) - lengths]
    counts = pc.list_value_length(sizes).to_numpy()
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
    lists = pa.ListArray.from_arrays(offsets, pa.array(places, pa.int32()))
    return table.set_column(table.column_names.index(PLACE), PLACE, lists)
