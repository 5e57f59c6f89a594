"""What a longest row does to rows, told from uncut tokens exactly as cutting them would."""

from __future__ import annotations

import json

import numpy as np
import pytest

from studio.data.example import Example, Examples
from studio.data.tokens.encode import encode
from studio.data.tokens.encoded import cut_at
from studio.run.study.lengths import binned, length_findings, lengths_at
from tests.tiny_run import make_tokenizer


def talk(row: int) -> Example:
    said = [{"role": role, "content": "x" * (row * 3)} for role in ("user", "assistant", "user", "assistant")]
    return Example(row, "last", "answer", messages=json.dumps(said))


ROWS = [*(Example(row, "q" * row, "a" * (40 - row)) for row in range(1, 40, 3)), *(talk(row) for row in range(40, 46))]
WHOLE = encode(Examples.of(ROWS), make_tokenizer())


@pytest.mark.parametrize("max_length", [1, 20, 45, 60, 300, 10_000])
def test_the_figures_are_those_of_the_rows_that_are_cut(max_length):
    found, cut = lengths_at(WHOLE, max_length), cut_at(WHOLE, max_length)
    assert (found.rows, found.cut_rows, found.dropped_rows) == (len(cut), len(cut.cut), len(cut.dropped))
    assert found.tokens == sum(map(len, WHOLE.input_ids))
    assert found.seen_tokens == sum(map(len, cut.input_ids)) == found.tokens - found.lost_tokens
    assert found.trained_tokens == sum(label != -100 for labels in cut.labels for label in labels)
    assert found.longest == max(map(len, WHOLE.input_ids))
    by_kind = {each.kind: each.rows for each in length_findings(WHOLE, max_length)}
    assert by_kind == {kind: rows for kind, rows in (("cut", cut.cut), ("no-room", cut.dropped)) if rows}


def test_no_rows_have_no_figures():
    empty = lengths_at(WHOLE.take([]), 10)
    assert (empty.rows, empty.tokens, empty.trained_tokens, empty.longest) == (0, 0, 0, 0)
    assert length_findings(WHOLE.take([]), 10) == []


@pytest.mark.parametrize("values", [[0], [5, 5, 5], list(range(1000)), [1] * 999 + [1_000_000]], ids=len)
def test_every_value_is_in_one_bin_and_the_last_bin_holds_what_is_beyond(values):
    bins = binned(np.array(values))
    assert sum(bins.counts) == len(values)
    assert bins.edges == sorted(set(bins.edges))
    assert len(bins.edges) == len(bins.counts) + 1 <= 43
    for low, high, count in list(zip(bins.edges, bins.edges[1:], bins.counts, strict=False))[:-1]:
        assert count == sum(low <= value < high for value in values)


def test_a_cut_ends_a_bin():
    bins = binned(np.arange(1000), edge_after=123)
    place = bins.edges.index(124)
    assert sum(bins.counts[:place]) == 124
    assert 124 not in binned(np.arange(100), edge_after=123).edges
