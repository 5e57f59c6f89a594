"""Encoded rows: kept in Arrow, cut at any length without tokenising again."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.tokens.encoded import IGNORED, SCHEMA, Encoded, batch_of, cut_at

ROW = st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=12)


def encoded(*groups: list[list[tuple[int, bool]]]) -> Encoded:
    """Each group of rows is a batch of its own; rows are numbered from 1 over all."""
    batches, number = [], 1
    for rows in groups:
        trained = np.array([kept for row in rows for _, kept in row], bool)
        batches.append(
            batch_of(range(number, number + len(rows)), [[token for token, _ in row] for row in rows], trained)
        )
        number += len(rows)
    return Encoded(pa.Table.from_batches(batches, SCHEMA))


@settings(deadline=None)
@given(st.lists(st.lists(ROW, max_size=4), max_size=3), st.integers(1, 13))
def test_cutting_keeps_the_beginning_of_what_has_something_to_learn(groups, most):
    rows = [row for group in groups for row in group]
    found = cut_at(encoded(*groups), most)
    kept = [(i, row[:most]) for i, row in enumerate(rows, 1) if any(trained for _, trained in row[:most])]
    assert found.rows == [i for i, _ in kept]
    assert found.input_ids == [[token for token, _ in row] for _, row in kept]
    assert found.labels == [[token if trained else IGNORED for token, trained in row] for _, row in kept]
    assert found.dropped == [i for i in range(1, len(rows) + 1) if i not in found.rows]
    assert found.cut == [i for i, _ in kept if len(rows[i - 1]) > most]
    assert found.lengths.tolist() == [len(rows[i - 1]) for i, _ in kept]
    first = [next(at for at, (_, trained) in enumerate(rows[i - 1]) if trained) for i, _ in kept]
    assert found.prompts.tolist() == first


@settings(deadline=None)
@given(st.lists(st.lists(ROW, max_size=4), max_size=3))
def test_arrow_and_back_is_the_same(groups):
    made = cut_at(encoded(*groups), 5)
    noted = Encoded(made.table, made.cut, made.dropped, {"no": [3]}, ("a note",))
    again = Encoded.from_arrow(noted.to_arrow())
    for name in ("input_ids", "labels", "rows", "cut", "dropped", "refused", "notes"):
        assert getattr(again, name) == getattr(noted, name)


def test_rows_are_taken_by_place():
    made = encoded([[(1, True)], [(2, False), (3, True)], [(4, True)]])
    assert made.take([2, 1]).labels == [[4], [IGNORED, 3]]


def test_labels_of_a_slice_are_its_own():
    made = encoded([[(1, True)], [(2, False), (3, True)], [(4, True)]])
    assert Encoded(made.table.slice(1, 2)).labels == [[IGNORED, 3], [4]]
    assert cut_at(Encoded(made.table.slice(1, 2)), 1).rows == [3]
