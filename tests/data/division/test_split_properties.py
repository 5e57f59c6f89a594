"""What holds of every split, looked for by hypothesis."""

from collections import Counter

import numpy as np
import pytest

pytest.importorskip("hypothesis")

from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.division.split import split
from studio.data.example import Example, Examples
from studio.data.wording import quoted

PROMPTS = st.text(alphabet="aAbB \tßİ", max_size=3) | st.text(max_size=4)
PAIRS = st.lists(st.tuples(PROMPTS, st.text(max_size=3)), max_size=30).map(
    lambda texts: Examples.of(Example(number, *each) for number, each in enumerate(texts, 1))
)
SHARES = st.floats(0, 1, exclude_max=True)


@settings(max_examples=150, deadline=None)
@given(PAIRS, SHARES, st.integers(), st.randoms())
def test_a_split_is_a_partition_that_no_prompt_straddles(pairs, share, seed, random) -> None:
    train, held_out = split(pairs, share, seed)
    assert sorted([*train, *held_out], key=lambda pair: pair.row) == pairs
    assert not {pair.same_prompt for pair in train} & {pair.same_prompt for pair in held_out}
    if share > 0 and len({pair.same_prompt for pair in pairs}) > 1:
        assert train
        assert held_out
    if share == 0:
        assert not held_out
    shuffled = pairs.take(random.sample(range(len(pairs)), len(pairs)))
    again = split(shuffled, share, seed)
    assert {pair.same_prompt for pair in again[1]} == {pair.same_prompt for pair in held_out}


TAGGED = st.lists(
    st.tuples(st.sampled_from("pqrstuvwxyz"), st.sampled_from(["", "g", "h", "i"]), st.sampled_from("abc")), max_size=30
).map(
    lambda tags: Examples.of(
        Example(n, prompt, str(n), group=group, label=label) for n, (prompt, group, label) in enumerate(tags)
    )
)


@settings(max_examples=200, deadline=None)
@given(TAGGED, SHARES, st.integers(), st.data(), st.sampled_from(["prompt", "group", "label"]))
def test_nothing_that_belongs_together_straddles_a_split(rows, share, seed, data, by) -> None:
    ids = np.array(data.draw(st.lists(st.integers(0, 12), min_size=len(rows), max_size=len(rows))), np.int64)
    order = np.array(data.draw(st.permutations(range(len(rows)))), np.int64)
    by = by if rows.has(by) else "prompt"
    train, held_out = split(rows, share, seed, by, ids)
    assert sorted([*train.rows, *held_out.rows]) == list(range(len(rows)))
    sides = [set(train.column("prompt").to_pylist()), set(held_out.column("prompt").to_pylist())]
    assert sides[0].isdisjoint(sides[1])
    assert set(ids[train.rows]).isdisjoint(ids[held_out.rows])
    if by == "group":
        assert not ({each.group for each in train} & {each.group for each in held_out}) - {""}
    if by == "label":
        assert {each.label for each in held_out} <= {each.label for each in train}
    again = split(rows.take(order), share, seed, by, ids[order])
    assert set(again[1].rows) == set(held_out.rows)


@settings(max_examples=100, deadline=None)
@given(TAGGED, SHARES, st.integers())
def test_single_rows_are_stratified_to_within_one(rows, share, seed) -> None:
    """Of prompts that are all different, each class is held out by its share, up to rounding."""
    rows = rows.replaced(prompt=[str(n) for n in range(len(rows))])
    if share == 0 or not rows.has("label"):
        return
    held_out = Counter(split(rows, share, seed, "label")[1].column("label").to_pylist())
    sizes = Counter(rows.column("label").to_pylist())
    for label, size in sizes.items():
        assert abs(held_out[label] - size * share) <= 1 or size == 1
        assert held_out[label] < size


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_a_quotation_is_short_and_visible(text) -> None:
    shown = quoted(text)
    assert len(shown) <= 80
    assert shown.isprintable()
