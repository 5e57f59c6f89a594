"""Which row of data/train.jsonl each row of tokens comes from, also where row numbers meet."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from studio.data.example import Example, Examples
from studio.data.tokens.encoded import IDS, SCHEMA, Encoded, batch_of
from studio.run.row_losses.places import PLACE, by_place, gathered, named_as_in, places_of, spread, with_places


def encoded(rows: list[int]) -> Encoded:
    batch = batch_of(rows, [[1, 2]] * len(rows), np.ones(2 * len(rows), bool))
    return Encoded(pa.Table.from_batches([batch], SCHEMA))


def examples(rows: list[int]) -> Examples:
    return Examples.of(
        Example(row, f"{row}?", "yes", source="" if at < 3 else "more.csv") for at, row in enumerate(rows)
    )


def test_rows_of_one_set_are_found_in_any_order():
    found = places_of(encoded([30, 10, 10, 20]), examples([30, 10, 20]))
    assert found.tolist() == [0, 1, 1, 2]


def test_numbers_that_several_sets_have_are_told_apart_by_their_order():
    rows = examples([1, 2, 4, 2, 4, 2, 4])
    assert places_of(encoded([1, 2, 4, 2, 4, 2, 4]), rows).tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert places_of(encoded([1, 4, 2, 4, 4]), rows).tolist() == [0, 2, 3, 4, 4], "some were left out"
    assert places_of(encoded([4, 1]), rows).tolist() == [2, 0], "texts that were cut come after all others"


def test_numbered_by_place_and_named_by_number():
    rows = examples([7, 8, 9, 8]).take([3, 0, 1])
    numbered = by_place(rows)
    assert numbered.rows.tolist() == [0, 1, 2]
    assert [each.prompt for each in numbered] == ["8?", "7?", "8?"]
    lost = Encoded(SCHEMA.empty_table(), cut=[0], dropped=[1], refused={"no": [2]})
    named = named_as_in(lost, rows)
    assert (named.cut, named.dropped, named.refused) == ([8], [7], {"no": [8]})


def test_packed_rows_know_the_places_of_all_that_lie_in_them():
    table = with_places(pa.table({"input_ids": pa.array([[1, 2], [3], [4, 5, 6]], IDS)}), np.array([5, 0, 9]))
    wide = spread(table)
    assert wide[PLACE].to_pylist() == [[5, 5], [0], [9, 9, 9]]
    packed = pa.table({PLACE: pa.array([[9, 9, 9, 0], [5, 5]], IDS), "seq_lengths": pa.array([[3, 1], [2]], IDS)})
    assert gathered(packed)[PLACE].to_pylist() == [[9, 0], [5]]
