"""A row token by token: the texts make up the row exactly, whatever the tokenizer does to letters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.data.example import Example
from studio.data.part import Chunks
from studio.data.tokens.encode import encode
from studio.errors import StudioError
from studio.home import CHECKOUT, STARTER
from studio.run.study.look import look_at
from studio.run.study.tokens import Encoding
from studio.run.tokenizer import load_tokenizer
from tests.tiny_run import make_tokenizer

OTHERS = CHECKOUT.parent / "shared" / "models" / "tokenizers"
FOLDERS = [STARTER, OTHERS / "minimind-chatml", OTHERS / "mistral-v3-32k"]
ODD = "Zoë  läuft — 🦊🏽‍🚀 \u200d\u202e ﷽ e\u0301 \t\r\n\n 你好 <s> </s> <|im_end|> \x00 ½"


def how(tokenizer=None, **options) -> Encoding:
    return Encoding(tokenizer or make_tokenizer(), options.get("train_on", "every answer"), options.get("chunks"))


def conversation(*turns: tuple[str, str]) -> Example:
    said = [{"role": role, "content": content} for role, content in turns]
    return Example(7, "last question", "last answer", messages=json.dumps(said))


TURNS = conversation(("system", ODD), ("user", "Hi  "), ("assistant", ODD), ("user", "and?"), ("assistant", "so 🦊"))
PAIR = Example(3, f"Ask {ODD}", f"Say {ODD}")
PLAIN = Example(5, "", f"{ODD}\n\n{ODD}")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
@pytest.mark.parametrize("example", [PAIR, TURNS, PLAIN], ids=["pair", "turns", "plain"])
def test_the_texts_make_up_the_row_and_the_tokens_are_those_trained_on(folder, example):
    if not Path(folder).is_dir():
        pytest.skip(f"{folder} is not here")
    tokenizer = load_tokenizer(folder)[0]
    look = look_at(example, "prompt-completion", how(tokenizer), 100_000)
    assert "".join(token.text for token in look.tokens) == look.rendered
    for text in (ODD,) if example is not PAIR else (PAIR.prompt, PAIR.completion):
        assert text.strip() in look.rendered
    encoded = encode([example], tokenizer)
    assert look.total_tokens == len(look.tokens) == len(encoded.input_ids[0])
    assert [token.trained for token in look.tokens] == [label != -100 for label in encoded.labels[0]]
    assert (look.cut_at, look.row) == (None, example.row)


def test_each_token_has_its_own_text_where_it_can():
    look = look_at(Example(1, "a🦊b", "ä!"), "prompt-completion", how(), 100)
    texts = [token.text for token in look.tokens]
    assert texts[:7] == ["<s>", *"user\na"]
    fox = texts.index("🦊")
    assert texts[fox : fox + 5] == ["🦊", "", "", "", "b"]
    assert texts[-4:] == ["ä", "", "!", "</s>"]


def test_what_is_the_rows_own_and_what_the_templates():
    look = look_at(Example(1, "ask", "say"), "prompt-completion", how(), 100)
    by_kind = {kind: "".join(token.text for token in look.tokens if token.kind == kind) for kind in ("special", "text")}
    assert by_kind == {"special": "<s></s><s></s>", "text": "asksay"}
    assert "".join(token.text for token in look.tokens if token.kind == "template") == "user\nassistant\n"
    assert "".join(token.text for token in look.tokens if token.trained) == "say</s>"


def test_only_the_last_answer_is_trained_where_asked():
    look = look_at(TURNS, "prompt-completion", how(train_on="last answer"), 10_000)
    assert "".join(token.text for token in look.tokens if token.trained) == "so 🦊</s>"


def test_the_cut_and_a_prompt_that_leaves_no_room():
    example = Example(1, "ask", "say it")
    look = look_at(example, "prompt-completion", how(), 100)
    total, prompt = look.total_tokens, look.prompt_tokens
    assert look_at(example, "prompt-completion", how(), total).cut_at is None
    cut = look_at(example, "prompt-completion", how(), total - 1)
    assert (cut.cut_at, cut.total_tokens, cut.notes) == (total - 1, total, [])
    assert "left out of training" in look_at(example, "prompt-completion", how(), prompt).notes[0]


def test_chunks_are_told_of_and_nothing_is_cut():
    look = look_at(PLAIN, "language modeling", how(chunks=Chunks(by="tokens", length=16)), 16)
    assert look.cut_at is None
    assert f"makes {-(-look.total_tokens // 16)} chunks" in look.notes[0]


def test_a_row_that_the_template_refuses_is_said():
    tokenizer = make_tokenizer()
    tokenizer.chat_template = "{{ raise_exception('never') }}"
    with pytest.raises(StudioError, match=r"Row 3 .*never"):
        look_at(PAIR, "prompt-completion", how(tokenizer), 100)


def test_a_template_that_swells_a_row_is_stopped():
    tokenizer = make_tokenizer()
    tokenizer.chat_template = "{{ 'A' * 3000000 }}"
    with pytest.raises(StudioError, match="3,000,000 characters"):
        look_at(PAIR, "prompt-completion", how(tokenizer), 100)


def test_of_a_huge_row_the_beginning_is_shown():
    look = look_at(Example(1, "", "ab" * 40_000), "language modeling", how(), 100_000)
    assert (len(look.tokens), look.total_tokens) == (50_000, 80_001)
    assert "first 50,000 of 80,001" in look.notes[0]
