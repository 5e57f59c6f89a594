"""Prompts in a model's words: filtered, marked, stoppable, and never of a held-out row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from studio.answer.paraphrase import INSTRUCTION, Wish, paraphrased
from studio.answer.settings import Settings
from studio.data.example import Example, Examples
from studio.errors import StudioError

PROMPT = "Where does Mira Holm live in town?"
OTHER = "In which street is the home of Mira Holm?"


class Echo:
    """Says what it was told to say, in pieces, and remembers what it was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, Sequence[str], Settings]] = []

    def stream(self, messages: Any, speakers: Any, settings: Settings) -> Iterator[dict[Any, str]]:
        self.asked.append((messages[-1]["content"], speakers, settings))
        text = self.answers[(len(self.asked) - 1) % len(self.answers)]
        for end in (len(text) // 2, len(text)):
            yield {speakers[0]: text[:end]}


def rows(*prompts: str, source: str = "") -> Examples:
    return Examples.of([Example(n, text, f"answer {n}", source=source) for n, text in enumerate(prompts, 7)])


def test_a_paraphrase_keeps_the_completion_and_says_whose_it_is():
    chat = Echo(f"“{OTHER}”\n")
    found = paraphrased(chat, rows(PROMPT)).examples
    assert [(each.row, each.prompt, each.completion, each.source) for each in found] == [
        (1, OTHER, "answer 7", "paraphrase of row 7")
    ]
    assert chat.asked[0][0] == INSTRUCTION.replace("{prompt}", PROMPT)
    assert chat.asked[0][1] == ["base"]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (" \u200b\n", "empty"),
        ('"where does  MIRA Holm live in town?"', "the same"),
        ("Where does Mira Holm live, in town!", "nearly the same"),
        ("She lives here. " * 50, "too long"),
        ("Who is Tom?", "asked already"),
        ("Held out question?", "asked already"),
    ],
)
def test_what_is_no_paraphrase_is_dropped_and_counted(said: str, reason: str):
    held_out = [Example(90, "Held  out question?", "x")]
    found = paraphrased(Echo(said, OTHER), rows(PROMPT, "Who is Tom?"), Wish(rows=2), held_out)
    assert found.dropped == {reason: 1}
    assert [each.prompt for each in found.examples] == [OTHER]


def test_rows_are_spread_and_each_gets_its_number_with_its_own_seed():
    many = rows(*(f"Question number {n} about the town?" for n in range(101)))
    chat = Echo(*(f"Something rather different, {n}" for n in range(6)))
    found = paraphrased(chat, many, Wish(rows=3, each=2, temperature=0.5, seed=9)).examples
    assert [each.source for each in found] == [f"paraphrase of row {n}" for n in (7, 7, 57, 57, 107, 107)]
    assert [settings.seed for _, _, settings in chat.asked] == list(range(9, 15))
    assert {settings.temperature for _, _, settings in chat.asked} == {0.5}


def test_mixed_in_rows_are_not_asked_for():
    mixed = rows(PROMPT).joined([rows("General?", source="general")])
    chat = Echo(OTHER)
    paraphrased(chat, mixed, Wish(rows=5))
    assert len(chat.asked) == 1


def test_it_tells_how_far_it_is_and_can_be_stopped():
    told: list[tuple[int, int]] = []
    chat = Echo("Something rather different.", OTHER, "And a third way to say it.")
    found = paraphrased(
        chat,
        rows(*(f"Question number {n}?" for n in range(10))),
        Wish(rows=10),
        tell=lambda what, done, total: told.append((done, total)),
        stopped=lambda: len(chat.asked) == 3,
    )
    assert told == [(1, 10), (2, 10)]
    assert len(found.examples) == 2


@pytest.mark.parametrize(
    ("train", "wish", "words"),
    [
        (Examples.of([Example(1, "", "Once.")], "language modeling"), Wish(), "no prompt to put in other words"),
        (rows(PROMPT), Wish(instruction="Say it again."), r"has no \{prompt\}"),
    ],
)
def test_what_cannot_be_paraphrased(train: Examples, wish: Wish, words: str):
    with pytest.raises(StudioError, match=words):
        paraphrased(Echo("x"), train, wish)


@pytest.mark.slow  # starts a chat host with a model; the others use a stand-in
def test_a_real_model_is_asked(host, base, run):
    """The tiny model babbles, so that what comes back is new; the same seed babbles the same."""
    wish = Wish(rows=2, max_new_tokens=24, temperature=1.0)
    train = rows("Say it. Say it again, please, and then once more.", "Who are you and what do you do all day long?")
    found = paraphrased(host.open_base(str(base)), train, wish)
    assert len(found.examples) + sum(found.dropped.values()) == 2
    assert {each.source for each in found.examples} <= {"paraphrase of row 7", "paraphrase of row 8"}
    assert paraphrased(host.open_base(str(base)), train, wish).examples == found.examples
    tuned = paraphrased(host.open(run), train, wish, speaker="tuned")
    assert len(tuned.examples) + sum(tuned.dropped.values()) == 2
    assert found.examples
    assert tuned.examples != found.examples
