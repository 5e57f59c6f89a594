"""Rows as tokens: made once for each tokenizer and template, kept, mapped, and handed to the trainer."""

from __future__ import annotations

import errno

import pytest

from studio.data.dataset import prepare
from studio.data.example import Example, Examples
from studio.data.part import Chunks, DataPart, Mapped
from studio.data.tokens.encode import encode
from studio.run.events import EventWriter
from studio.run.study import tokens as tokens_module
from studio.run.study.caches import Cache
from studio.run.study.lengths import lengths_at
from studio.run.study.tokens import Encoding, encoded_rows, known_tokens
from studio.run.tasks.language_modeling import LanguageModelingRunner
from tests.tiny_run import make_tokenizer

ROWS = Examples.of(Example(row, f"Ask {row}", f"Say {'x' * row}") for row in range(1, 30))
TEXT = Examples.of((Example(row, "", "word " * row) for row in range(1, 30)), "language modeling")
HOW = Encoding(make_tokenizer(), "every answer", None)


@pytest.fixture
def cache(tmp_path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def calls(monkeypatch) -> list[int]:
    """How many rows each call of the encoder was given."""
    counted: list[int] = []

    def counting(examples, *rest, **options):
        counted.append(len(examples))
        return encode(examples, *rest, **options)

    monkeypatch.setattr(tokens_module, "encode", counting)
    return counted


@pytest.mark.parametrize("rows", [ROWS, TEXT, ROWS[:0]], ids=["pairs", "text", "none"])
@pytest.mark.parametrize("at_once", [4, 4000])
def test_kept_tokens_are_those_of_the_encoder(rows, at_once, cache, monkeypatch):
    monkeypatch.setattr(tokens_module, "ROWS_AT_ONCE", at_once)
    made = encoded_rows(rows, HOW, cache)
    again = encoded_rows(rows, HOW, cache)
    direct = encode(rows, HOW.tokenizer, None)
    for found in (made, again, encoded_rows(rows, HOW)):
        assert found.encoded.input_ids == direct.input_ids
        assert found.encoded.labels == direct.labels
        assert found.encoded.rows == direct.rows
        assert lengths_at(found.encoded, 10) == lengths_at(direct, 10)
    assert (made.known, again.known) == (False, True)


def test_what_the_template_refuses_and_says_is_kept_too(cache, monkeypatch):
    monkeypatch.setattr(tokens_module, "ROWS_AT_ONCE", 2)
    tokenizer = make_tokenizer()
    tokenizer.chat_template = "{% if 'bad' in messages[0].content %}{{ raise_exception('no') }}{% endif %}" + str(
        tokenizer.chat_template
    )
    rows = Examples.of(Example(row, "bad" if row % 3 == 0 else "good", "a") for row in range(9))
    how = Encoding(tokenizer, "every answer", None)
    encoded_rows(rows, how, cache)
    again = encoded_rows(rows, how, cache).encoded
    (named,) = again.refused.values()
    assert named == [0, 3, 6]
    assert again.rows == [1, 2, 4, 5, 7, 8]


def test_it_is_done_once_for_each_rows_tokenizer_and_option(cache, calls):
    tokenizer = make_tokenizer()
    tokenizer.chat_template += " "
    chunks = Chunks(by="tokens", length=16)
    hows = (HOW, Encoding(tokenizer, "every answer", None), Encoding(HOW.tokenizer, "last answer", None))
    for how in (*hows, Encoding(HOW.tokenizer, "every answer", chunks)):
        encoded_rows(ROWS, how, cache)
    encoded_rows(ROWS[:10], HOW, cache)
    encoded_rows(Examples.of(Example(each.row + 1, each.prompt, each.completion) for each in ROWS), HOW, cache)
    assert calls == [29, 29, 29, 29, 10, 29]
    for how in hows:
        assert encoded_rows(ROWS, how, cache).known
    assert len(calls) == 6


def test_a_template_that_writes_the_date_is_done_anew_each_day(monkeypatch):
    tokenizer = make_tokenizer()
    tokenizer.chat_template = "{{ strftime_now('%d') }}" + str(tokenizer.chat_template)

    class Tomorrow:
        today = staticmethod(lambda: "tomorrow")

    keys = {Encoding(each, "every answer", None).key(ROWS) for each in (tokenizer, HOW.tokenizer)}
    monkeypatch.setattr(tokens_module, "date", Tomorrow)
    keys |= {Encoding(each, "every answer", None).key(ROWS) for each in (tokenizer, HOW.tokenizer)}
    assert len(keys) == 3


def test_only_chunks_depend_on_the_longest_row():
    whole, chunked = DataPart(), DataPart(chunks=Chunks(by="tokens", length=64), mapped=Mapped(train_on="last answer"))
    assert Encoding.of(whole, HOW.tokenizer, 32) == Encoding.of(whole, HOW.tokenizer, 64)
    assert Encoding.of(chunked, HOW.tokenizer, 32).chunks.length == 32
    assert Encoding.of(chunked, HOW.tokenizer, 128).chunks.length == 64
    assert Encoding.of(chunked, HOW.tokenizer, 128).train_on == "last answer"


def test_progress_is_told(cache, monkeypatch):
    monkeypatch.setattr(tokens_module, "ROWS_AT_ONCE", 10)
    told: list[tuple[int, int]] = []
    encoded_rows(ROWS, HOW, cache, tell=lambda what, done, total: told.append((done, total)))
    assert told == [(0, 29), (10, 29), (20, 29), (29, 29)]


def test_a_disk_that_refuses_leaves_the_tokens(tmp_path):
    (tmp_path / "cache").touch()
    said: list[str] = []
    made = encoded_rows(ROWS, HOW, Cache(tmp_path / "cache", warn=said.append))
    assert len(made.encoded) == 29
    assert len(said) == 1


def test_a_run_takes_what_the_study_made(home, make_run, calls):
    run = make_run({"training.evaluations": 1})
    recipe, tokenizer = run.recipe, make_tokenizer()
    prepared = prepare(recipe.data)
    how = Encoding.of(recipe.data, tokenizer, recipe.training.max_length)
    for rows, known_as in ((prepared.train, prepared.fingerprint), (prepared.held_out, "")):
        encoded_rows(rows, how, Cache(home.cache), known_as)
    del calls[:]
    with EventWriter(run.events_path) as events:
        rows = {
            part: LanguageModelingRunner(recipe).rows(run, part, tokenizer, events) for part in ("train", "held_out")
        }
    assert calls == []
    assert (len(rows["train"]), len(rows["held_out"])) == (18, 6)
    assert "rows already tokenised" in [event.choice for event in run.events()[0] if event.kind == "decision"]
    key = how.key(prepared.train, prepared.fingerprint)
    assert rows["train"].keeps.path.name == known_tokens(Cache(home.cache), key).entry.path.name


def test_a_run_that_stands_alone_makes_its_own(make_run, calls, tmp_path):
    run = make_run()
    alone = type(run)(run.path.rename(tmp_path / "alone"))
    with EventWriter(alone.events_path) as events:
        rows = LanguageModelingRunner(alone.recipe).rows(alone, "train", make_tokenizer(), events)
    assert calls == [18]
    assert rows.keeps is None


def test_a_full_disk_in_a_run_is_a_warning(make_run, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    run = make_run()
    monkeypatch.setattr(tokens_module, "_write", full)
    with EventWriter(run.events_path) as events:
        rows = LanguageModelingRunner(run.recipe).rows(run, "train", make_tokenizer(), events)
    assert len(rows) == 18
    (warned,) = run.events()[0]
    assert "the disk is full" in warned.message
