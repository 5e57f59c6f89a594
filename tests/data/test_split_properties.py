"""What holds of every split, looked for by hypothesis."""

import pytest

pytest.importorskip("hypothesis")

from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.example import Example, Examples
from studio.data.split import split
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


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_a_quotation_is_short_and_visible(text) -> None:
    shown = quoted(text)
    assert len(shown) <= 80
    assert shown.isprintable()
