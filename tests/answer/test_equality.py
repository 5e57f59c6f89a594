"""Base and tuned model asked at once say what they say asked alone, greedily, whatever the prompts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from studio.answer.engine import Engine
from studio.answer.generate import Row
from studio.answer.prompts import prompt_ids
from studio.answer.voice import BASE
from studio.home import CHECKOUT
from tests.answer.results import answers, made, voice_of

METHODS = ["lora", "rslora", "dora", "lora-fa", "vera", "qlora", "prompt-tuning", "full"]
WORDS = ["heron", "miller", "river", "lantern", "Äpfel", "42", "why?", "the old bridge", "snow", "a\nletter"]
STARTER = CHECKOUT / "assets" / "starter"


def prompts(count: int) -> list[str]:
    """Short and long ones, so that padding is part of it."""
    return [" ".join(["Tell me of", *(WORDS[(n * k) % len(WORDS)] for k in range(1, 2 + n % 9))]) for n in range(count)]


def assert_equal(base: Path, folder: Path, method: str, count: int, tokens: int, spread: float) -> None:
    """One engine asked for pairs of base and tuned, others for each alone."""
    run = made(folder / method, base, method, spread=spread)
    plain, tuned = Engine().seats([voice_of(run, BASE), voice_of(run)])
    (plain_alone,), (tuned_alone,) = (Engine().seats([voice]) for voice in (voice_of(run, BASE), voice_of(run)))
    differ = 0
    for prompt in prompts(count):
        ids = prompt_ids(tuned.tokenizer, [{"role": "user", "content": prompt}])
        together = answers([Row(ids, plain), Row(ids, tuned)], tokens)
        assert together == [answers([Row(ids, seat)], tokens)[0] for seat in (plain_alone, tuned_alone)], prompt
        differ += together[0] != together[1]
    assert differ >= max(1, count // 10), "the tuned model says something else"


@pytest.mark.parametrize("method", ["lora", "dora", "vera", "prompt-tuning"])
def test_some_prompts(method: str, base: Path, tmp_path: Path) -> None:
    assert_equal(base, tmp_path, method, 3, 8, 0.2)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_fifty_prompts(method: str, base: Path, tmp_path: Path) -> None:
    assert_equal(base, tmp_path, method, 50, 24, 0.2)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_fifty_prompts_on_the_starter(method: str, tmp_path: Path) -> None:
    base = Path(shutil.copytree(STARTER, tmp_path / "starter", ignore=shutil.ignore_patterns("*.py")))
    assert_equal(base, tmp_path, method, 50, 24, 0.05)
