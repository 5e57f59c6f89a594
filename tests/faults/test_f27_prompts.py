"""F27: an empty prompt, a prompt beyond the context, and a model that knows no end. Each ends, in words or cut."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.answer.voices import Voices

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def voices(tiny_base: Path) -> Voices:
    from studio.answer.engine import Engine

    return Engine().load_base(str(tiny_base))


def ids(voices: Voices, text: str) -> list[int]:
    from studio.answer.prompts import prompt_ids

    return prompt_ids(voices.tokenizer, [{"role": "user", "content": text}])


@pytest.mark.parametrize("text", ["", " \n\t ", "\u3000"])
def test_an_empty_prompt_is_refused_in_words(voices: Voices, text: str) -> None:
    with pytest.raises(StudioError, match=r"prompt is empty.*Write a prompt"):
        ids(voices, text)


def test_a_prompt_beyond_the_context_says_by_how_much(voices: Voices) -> None:
    from studio.answer.prompts import room

    assert voices.context == 2048
    with pytest.raises(StudioError, match=r"takes 3,018 tokens.*holds 2,048.*at least 971 tokens"):
        room(len(ids(voices, "x" * 3000)), voices.context, 40)
    assert room(len(ids(voices, "x" * 2000)), voices.context, 40) == 30


@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_a_model_without_an_end_is_cut_where_asked(voices: Voices, temperature: float) -> None:
    from studio.answer.generate import Row, generate
    from studio.answer.settings import Settings

    endless, said = replace(voices, ends=frozenset()), []
    settings = Settings(max_new_tokens=25, temperature=temperature)
    rows = [Row(ids(voices, "Hi."), False), Row(ids(voices, "Tell me more."), False)]
    generate(endless, rows, settings, said.append, lambda: False)
    assert len(said) == 25
    assert all(set(step) == {0, 1} for step in said)
