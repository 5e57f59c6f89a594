"""F27: an empty prompt, a prompt beyond the context, and a model that knows no end. Each ends, in words or cut."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.answer.voices import Seat

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def seat(tiny_base: Path) -> Seat:
    from studio.answer.engine import Engine
    from studio.answer.voice import Voice

    return Engine().seats([Voice.of_model(str(tiny_base))])[0]


def ids(seat: Seat, text: str) -> list[int]:
    from studio.answer.prompts import prompt_ids

    return prompt_ids(seat.tokenizer, [{"role": "user", "content": text}])


@pytest.mark.parametrize("text", ["", " \n\t ", "\u3000"])
def test_an_empty_prompt_is_refused_in_words(seat: Seat, text: str) -> None:
    with pytest.raises(StudioError, match=r"prompt is empty.*Write a prompt"):
        ids(seat, text)


def test_a_prompt_beyond_the_context_says_by_how_much(seat: Seat) -> None:
    from studio.answer.prompts import room

    assert seat.context == 2048
    with pytest.raises(StudioError, match=r"takes 3,018 tokens.*holds 2,048.*at least 971 tokens"):
        room(len(ids(seat, "x" * 3000)), seat.context, 40)
    assert room(len(ids(seat, "x" * 2000)), seat.context, 40) == 30


@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_a_model_without_an_end_is_cut_where_asked(seat: Seat, temperature: float) -> None:
    from studio.answer.generate import Row, generate
    from studio.answer.settings import Settings

    endless, said = replace(seat, ends=frozenset()), []
    settings = Settings(max_new_tokens=25, temperature=temperature)
    rows = [Row(ids(seat, "Hi."), endless), Row(ids(seat, "Tell me more."), endless)]
    generate(rows, settings, said.append, lambda: False)
    assert len(said) == 25
    assert all(set(step) == {0, 1} for step in said)
