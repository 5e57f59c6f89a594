"""Long text cut into chunks: nothing is lost, nothing is torn without need, and the effect is counted."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.example import Example, Examples
from studio.data.part import Chunks
from studio.data.tokens.chunk import Chunked, chunked
from studio.data.tokens.encode import encode
from studio.data.tokens.sentences import ends
from studio.home import STARTER
from studio.run.tokenizer import load_tokenizer

LENGTH = 16
PROSE = (
    "The first is here. Dr. Who came too! Did he?\n\nA second paragraph.\n\nAnd the third, which is longer. It ends."
)


@pytest.fixture(scope="module")
def starter():
    return load_tokenizer(STARTER)[0]


def texts(*every: str, group: str = "") -> Examples:
    return Examples.of([Example(i, "", text, group=group) for i, text in enumerate(every, 1)], "language modeling")


def ids_of(made: Chunked) -> list[list[int]]:
    return [ids for batch in made.batches for ids in batch["input_ids"].to_pylist()]


def stream(examples: Examples, tokenizer) -> list[int]:
    return [token for row in encode(examples, tokenizer).input_ids for token in row]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=120), max_size=5),
    st.sampled_from(["tokens", "sentence", "paragraph"]),
)
def test_without_overlap_every_token_is_in_one_chunk_in_order(every, by):
    tokenizer = load_tokenizer(STARTER)[0] if not TOKENIZER else TOKENIZER[0]
    TOKENIZER[:] = [tokenizer]
    filled = [text for text in every if text.strip()]
    made = chunked(texts(*every), tokenizer, Chunks(by=by, length=LENGTH))
    chunks = ids_of(made)
    assert [token for chunk in chunks for token in chunk] == stream(texts(*filled), tokenizer)
    assert all(1 <= len(chunk) <= LENGTH for chunk in chunks)
    assert made.facts.lengths.tolist() == [len(chunk) for chunk in chunks]
    assert (made.facts.chunks, made.facts.tokens) == (len(chunks), sum(map(len, chunks)))
    assert made.facts.repeated_share == 0


TOKENIZER: list = []


def test_by_tokens_only_the_last_chunk_has_room(starter):
    made = chunked(texts("one two three " * 30, "four " * 50), starter, Chunks(by="tokens", length=LENGTH))
    assert set(made.facts.lengths[:-1].tolist()) == {LENGTH}
    room = made.facts.chunks * LENGTH
    assert made.facts.waste_share == pytest.approx((room - made.facts.tokens) / room)


def test_an_overlap_is_repeated_and_counted(starter):
    whole = texts("one two three four five six " * 20)
    made = chunked(whole, starter, Chunks(by="tokens", length=LENGTH, overlap=8))
    chunks = ids_of(made)
    for before, after in pairwise(chunks):
        assert before[-8:] == after[:8]
    assert [*chunks[0], *(token for chunk in chunks[1:] for token in chunk[8:])] == stream(whole, starter)
    repeated = 8 * (len(chunks) - 1)
    assert made.facts.repeated_share == pytest.approx(repeated / (made.facts.tokens + repeated))


@pytest.mark.parametrize("by", ["sentence", "paragraph"])
def test_chunks_end_where_sentences_and_paragraphs_do(by, starter):
    made = chunked(texts(PROSE), starter, Chunks(by=by, length=24))
    found = [starter.decode(chunk) for chunk in ids_of(made)]
    assert "".join(found) == f"{PROSE}<|end|>"
    ended = [0, *ends(PROSE, by), len(found[-1]) + len(PROSE)]
    places = np.cumsum([len(each) for each in found])[:-1]
    assert len(found) > 2
    assert set(places.tolist()) <= set(ended)


def test_a_sentence_longer_than_a_chunk_is_cut_by_tokens(starter):
    made = chunked(texts("word " * 100 + "end."), starter, Chunks(by="sentence", length=LENGTH))
    assert set(made.facts.lengths[:-1].tolist()) == {LENGTH}


def test_an_overlap_of_sentences_begins_with_a_sentence(starter):
    text = "One is here. Two is here. Three is here. Four is here. Five is here. Six is here."
    made = chunked(texts(text), starter, Chunks(by="sentence", length=16, overlap=6))
    found = [starter.decode(chunk) for chunk in ids_of(made)]
    assert len(found) > 2
    assert all(each.split()[0] in {"One", "Two", "Three", "Four", "Five", "Six"} for each in found)
    assert made.facts.repeated_share > 0


def test_rows_of_one_group_that_follow_each_other_are_one_document(starter):
    together = chunked(texts("One.", "Two.", group="book"), starter, Chunks(by="tokens", length=64))
    assert starter.decode(ids_of(together)[0]) == "One.\n\nTwo.<|end|>"
    apart = chunked(texts("One.", "Two."), starter, Chunks(by="tokens", length=64))
    assert starter.decode(ids_of(apart)[0]) == "One.<|end|>Two.<|end|>"
    gap = Examples.of([Example(1, "", "One.", group="b"), Example(3, "", "Three.", group="b")], "language modeling")
    assert starter.decode(ids_of(chunked(gap, starter, Chunks(by="tokens")))[0]) == "One.<|end|>Three.<|end|>"


def test_encode_cuts_plain_text_and_leaves_pairs_whole(starter):
    rows = [Example(1, "", "long " * 60), Example(2, "p", "c"), Example(3, "", "more " * 60)]
    made = encode(rows, starter, 64, Chunks(by="tokens", length=128))
    assert made.rows[0] == 2
    assert set(made.rows[1:]) == {1, 3}
    assert made.cut == []  # a chunk is no longer than the longest row
    assert max(map(len, made.input_ids)) == 64
    assert made.labels[1:] == made.input_ids[1:]


def test_no_text_makes_no_chunk(starter):
    facts = chunked(texts(), starter, Chunks(by="paragraph")).facts
    assert (facts.chunks, facts.tokens, facts.waste_share, facts.repeated_share) == (0, 0, 0.0, 0.0)


@pytest.mark.parametrize("careful", [True, False])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Erster Satz. Zweiter Satz! Dritter?", ["Erster Satz. ", "Zweiter Satz! ", "Dritter?"]),
        ("第一句。第二句！第三句？", ["第一句。", "第二句！", "第三句？"]),
        ("هل هذا سؤال؟ نعم هو.", ["هل هذا سؤال؟ ", "نعم هو."]),
    ],
)
def test_sentences_end_at_their_marks_in_any_script(text, expected, careful):
    edges = [0, *ends(text, "sentence", careful), len(text)]
    assert [text[a:b] for a, b in pairwise(edges)] == expected


def test_the_rules_of_a_language_know_its_abbreviations():
    text = "Dr. Smith met Mrs. Jones at the hospital on Monday. They talked for an hour."
    assert ends(text, "sentence") == [text.index("They")]


def test_many_paragraphs_of_one_document_are_one_pass(starter):
    """Joining rows one by one to a growing text would take minutes here."""
    import time

    many = texts(*(["A word."] * 20_000), group="book")
    began = time.perf_counter()
    made = chunked(many, starter, Chunks(by="paragraph", length=64))
    assert time.perf_counter() - began < 20
    assert made.facts.chunks > 1000
