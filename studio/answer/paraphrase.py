"""More rows out of the ones there are: a model asks each prompt in other words, the completion as it is.

What comes back is a proposal: each row says which one it was made of, and joins only when somebody has looked at it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Literal, Protocol

import numpy as np

from studio.answer.settings import Settings
from studio.answer.wire import Speaker
from studio.data.augment import SLOT, Asked, asked_again
from studio.data.checks.check import is_blank
from studio.data.example import Example, Examples, Message, plain
from studio.data.wording import counted
from studio.errors import StudioError
from studio.knob import Part, knob

INSTRUCTION = (
    "Write this in other words. Keep every name and number, do not answer it, and write nothing else.\n\n{prompt}"
)
ALIKE = 0.9  # of the three-letter pieces: only a comma or an ending differs
ROOM = 100  # characters that a paraphrase may have beyond twice its prompt; more is an answer or a lecture
QUOTES = {'"': '"', "'": "'", "“": "”", "„": "“", "«": "»", "‘": "’", "`": "`"}

Reason = Literal["empty", "the same", "nearly the same", "too long", "asked already"]
Tell = Callable[[str, int, int], None]


class Asks(Protocol):
    """What answers; a studio.answer.chat.Chat is one."""

    def stream(
        self, messages: Sequence[Message], speakers: Sequence[str], settings: Settings
    ) -> Iterator[dict[str, str]]:
        """What each speaker has said so far, again and again; the last one is whole."""


class Wish(Part):
    """How many paraphrases are asked for, and how."""

    rows: int = knob(
        20,
        "Rows that are asked for in other words, evenly spread over those trained on. Try 20 and read them first.",
        label="Rows",
        bounds=(1, 5000),
        step=1,
        unit="rows",
    )
    each: int = knob(1, "Paraphrases of each row.", label="Of each row", bounds=(1, 5), step=1)
    instruction: str = knob(
        INSTRUCTION, "What the model is asked, with {prompt} where the row's prompt goes.", label="Instruction"
    )
    temperature: float = knob(
        0.7,
        "How much chance there is in the choice of words. 0 gives the same paraphrase each time.",
        label="Temperature",
        bounds=(0.0, 2.0),
        step=0.05,
    )
    max_new_tokens: int = knob(
        128, "Where a paraphrase ends at the latest.", label="Longest paraphrase", bounds=(8, 2048), unit="tokens"
    )
    seed: int = knob(
        42,
        "Decides the chance: the same seed gives the same paraphrases.",
        label="Seed",
        bounds=(0, 2**31 - 1),
        advanced=True,
    )


@dataclass(frozen=True)
class Paraphrased:
    """New rows to be looked through, numbered from 1, each with its making in `source`; why others were dropped."""

    examples: Examples
    dropped: dict[Reason, int] = field(default_factory=dict)


def paraphrased(
    chat: Asks,
    train: Examples,
    wish: Wish = Wish(),  # noqa: B008 (it is frozen)
    held_out: Iterable[Example] = (),
    speaker: Speaker = "base",
    tell: Tell = lambda what, done, total: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Paraphrased:
    """Prompts of rows trained on in a model's words. Where `stopped`, what was made so far.

    Rows that were mixed in or made are not asked for, and a paraphrase that a training or held-out row asks already is
    dropped. `tell` hears after each answer. To end an answer in the middle, stop the chat as well.

    Raises StudioError for plain text, an instruction without {prompt}, and where the model cannot be asked.
    """
    if SLOT not in wish.instruction:
        raise StudioError(f"The instruction has no {SLOT}, so the model would not know what to put in other words.")
    chosen = _chosen(train, wish.rows)
    seen = Asked(chain((each for each in train if each.prompt), held_out))
    made: list[Example] = []
    dropped: Counter[Reason] = Counter()
    total = len(chosen) * wish.each
    for number in range(total):
        if stopped():
            break
        example = chosen[number // wish.each]
        said = _said(chat, example.prompt, wish, number, speaker)
        if stopped():
            break  # what was being said is torn
        new = asked_again(example, said, f"paraphrase of row {example.row}")
        reason = _wrong(example.prompt, said) or (None if seen.is_new(new) else "asked already")
        if reason:
            dropped[reason] += 1
        else:
            made.append(replace(new, row=len(made) + 1))
        tell(f"{counted(len(made), 'paraphrase')} of {counted(number + 1, 'answer')}", number + 1, total)
    return Paraphrased(Examples.of(made, train.type), dict(dropped))


def _chosen(train: Examples, rows: int) -> list[Example]:
    """Rows of the main set with a prompt, evenly spread. Raises StudioError where there is none."""
    own = [
        start + place
        for start, batch in _batches(train)
        for place, (prompt, source) in enumerate(zip(*batch, strict=True))
        if prompt.strip() and not source
    ]
    if not own:
        raise StudioError("There is no prompt to put in other words. Paraphrasing needs rows with a prompt.")
    spread = np.linspace(0, len(own) - 1, min(rows, len(own))).round().astype(int)
    return list(train.take(np.array(own)[spread]))


def _batches(train: Examples) -> Iterator[tuple[int, tuple[list[str], ...]]]:
    start = 0
    for batch in train.batches("prompt", "source"):
        yield start, batch
        start += len(batch[0])


def _said(chat: Asks, prompt: str, wish: Wish, number: int, speaker: Speaker) -> str:
    """The model's paraphrase, without quotes around it."""
    settings = Settings(
        temperature=wish.temperature,
        max_new_tokens=wish.max_new_tokens,
        seed=(wish.seed + number) % 2**31,
    )
    messages = [{"role": "user", "content": wish.instruction.replace(SLOT, prompt)}]
    text = ""
    for texts in chat.stream(messages, [speaker], settings):
        text = texts.get(speaker, text)
    text = text.strip()
    quoted = len(text) > 1 and QUOTES.get(text[0]) == text[-1] and text[0] not in text[1:-1]
    return text[1:-1].strip() if quoted else text


def _wrong(prompt: str, said: str) -> Reason | None:
    if is_blank(said):
        return "empty"
    if plain(said) == plain(prompt):
        return "the same"
    if len(said) > 2 * len(prompt) + ROOM:
        return "too long"
    return "nearly the same" if _alike(prompt, said) >= ALIKE else None


def _alike(one: str, other: str) -> float:
    """The share of three-letter pieces that two texts have in common; case, spacing and marks do not count."""
    a, b = _pieces(one), _pieces(other)
    return len(a & b) / len(a | b) if a | b else 1.0


def _pieces(text: str) -> set[str]:
    letters = f" {plain(''.join(c if c.isalnum() else ' ' for c in text))} "
    return {letters[i : i + 3] for i in range(len(letters) - 2)}
