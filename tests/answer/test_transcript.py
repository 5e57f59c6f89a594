import random

import pytest

from studio.answer.transcript import HALF, Transcript, Words
from tests.tiny_run import make_tokenizer


class Tidying:
    """A tokenizer of bytes whose decoder draws "do n't" together, as some do: it changes earlier text."""

    def decode(self, tokens, skip_special_tokens=True):
        return bytes(token for token in tokens if token < 256).decode("utf-8", "replace").replace(" n't", "n't")


def told(tokenizer, tokens, looks):
    """The texts of all tokens as somebody has them who looks after each token of `looks`, and what was shown."""
    transcript, texts, shown = Transcript(tokenizer), [], []
    for place, token in enumerate(tokens):
        transcript.add(token)
        if place in looks:
            news = transcript.news()
            texts = [*([] if news.anew else texts), *news.texts]
            shown.append("".join(texts))
    news = transcript.news(last=True)
    texts = [*([] if news.anew else texts), *news.texts]
    assert len(texts) == len(tokens)
    assert "".join(texts) == transcript.text()
    return texts, shown


@pytest.mark.parametrize("text", ["Grüße, 世界 🦊!", "🦊", "naïve", "plain"])
def test_no_half_character_is_ever_shown(text):
    tokenizer = make_tokenizer()
    tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
    texts, shown = told(tokenizer, tokens, range(len(tokens)))
    assert len(shown) == len(text.encode())
    assert all(text.startswith(part) for part in shown)
    assert shown[-1] == "".join(texts) == text
    assert all(each == "" or each in text for each in texts)


def test_what_a_token_brought_does_not_depend_on_when_one_looks():
    tokenizer = make_tokenizer()
    tokens = [*tokenizer("Grüße, 世界 🦊!", add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    chance = random.Random(0)
    every = [told(tokenizer, tokens, {n for n in range(len(tokens)) if chance.random() < 0.4})[0] for _ in range(20)]
    assert every == [every[0]] * 20


def test_at_the_end_nothing_is_held_back():
    tokenizer = make_tokenizer()
    tokens = [*tokenizer("a🦊", add_special_tokens=False)["input_ids"][:3], 2]
    texts, shown = told(tokenizer, tokens, range(4))
    assert shown[-1] == "a"
    assert "".join(texts) == "a" + HALF == tokenizer.decode(tokens, skip_special_tokens=True)


def test_earlier_text_that_changes_is_told_anew():
    tokens = list(b"I do n't know.")
    texts, shown = told(Tidying(), tokens, range(len(tokens)))
    assert "I do n'" in shown
    assert "I don't" in shown
    assert "".join(texts) == "I don't know."


@pytest.mark.parametrize("seed", range(5))
def test_all_adds_up_whatever_comes(seed):
    chance = random.Random(seed)
    for _ in range(60):
        words = chance.choices(["a", " n't", "ü", "🦊", "世", " ", " n", "'t"], k=chance.randint(0, 9))
        tokens = list("".join(words).encode())[: chance.choice([None, -1])] + [300] * chance.randint(0, 1)
        told(Tidying(), tokens, {n for n in range(len(tokens)) if chance.random() < 0.5})


def test_single_tokens_as_words():
    tokenizer = make_tokenizer()
    (letter,) = tokenizer("x", add_special_tokens=False)["input_ids"]
    words = Words(tokenizer)
    assert [words.text(letter, first) for first in (True, False)] == ["x", "x"]
    assert words.text(tokenizer.eos_token_id, first=False) == ""
