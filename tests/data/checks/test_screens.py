"""Cheap looks at many texts: none is overlooked, wherever it lies."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.checks.screens import Texts, repeated, united

TEXTS = st.lists(st.text(max_size=20), max_size=30)


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_screens_say_what_python_says(texts: list[str]) -> None:
    column = Texts.of(texts)
    assert column.beyond_ascii.tolist() == [n for n, text in enumerate(texts) if not text.isascii()]
    assert column.characters.tolist() == [len(text) for text in texts]
    assert column.sizes.tolist() == [len(text.encode()) for text in texts]
    low = column.places_of(lambda block: block < 0x20)
    assert low.tolist() == [n for n, text in enumerate(texts) if any(letter < " " for letter in text)]
    first, last = column.ends()
    assert first.tolist() == [text.encode()[0] if text else 0 for text in texts]
    assert last.tolist() == [text.encode()[-1] if text else 0 for text in texts]


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_equal_texts_have_equal_keys(texts: list[str]) -> None:
    keys = Texts.of(["shift", *texts, *texts]).keys[1:]
    assert keys[: len(texts)].tolist() == keys[len(texts) :].tolist()
    assert repeated(keys).tolist() == list(range(2 * len(texts)))


def test_keys_tell_most_texts_apart_and_case_not() -> None:
    texts = [f"question {n} of a longer kind, number {n % 97}" for n in range(5_000)] + [str(n) for n in range(5_000)]
    assert len(repeated(Texts.of(texts).keys)) == 0
    assert Texts.of(["Hello", "hELLO"]).keys.tolist() == [Texts.of(["hello"]).keys[0]] * 2


def test_parts_of_a_column_and_several_chunks() -> None:
    whole = pa.array(["é first", "second", "third\x00", "fourth"], pa.large_string())
    part = Texts(whole.slice(1, 2))
    assert part.beyond_ascii.tolist() == []
    assert part.places_of(lambda block: block < 0x20).tolist() == [1]
    assert part.keys.tolist() == Texts.of(["second", "third\x00"]).keys.tolist()
    chunked = pa.chunked_array([whole.slice(0, 1), whole.slice(1)])
    assert list(Texts.of(chunked).some(np.array([0, 3]))) == [(0, "é first"), (3, "fourth")]


def test_a_hit_across_two_blocks_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.data.checks.screens._BLOCK", 4)
    texts = Texts.of(["abc  def", "a b c d e f", "  "])
    assert texts.places_of(lambda block: (block[:-1] == 0x20) & (block[1:] == 0x20)).tolist() == [0, 2]


def test_united() -> None:
    assert united(6, np.array([4, 1]), np.array([1, 5])).tolist() == [1, 4, 5]
