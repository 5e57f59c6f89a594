"""Training rows as turns before a question: what the base says with them shows whether tuning is needed at all.

Few-shot prompting: Brown et al. 2020, "Language Models are Few-Shot Learners", section 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from studio.data.example import Example, Examples, Message, plain
from studio.errors import StudioError
from studio.recipe.model_folder import facts
from studio.recipe.models import locate
from studio.run.directory import Run

MOST = 32  # rows
SHARE = 0.5  # of the context: the other half is for the question and its answer
UNKNOWN_CONTEXT = 2048  # tokens, where the base does not say how much it holds
BYTES_A_TOKEN = 3  # of UTF-8; English has 3.6 with the starter's tokens and more with larger vocabularies
TURN = 5  # tokens that a template puts around a turn
TRIES = 500  # rows that are looked at before it is given up that any fits
SPOKEN = ("user", "assistant")


@dataclass(frozen=True)
class Shots:
    """`messages` go before the question; `rows` are the source rows that they are made of, `note` says how many."""

    messages: list[Message]
    rows: list[int]
    note: str


def few_shot(run: Run, count: int, asked: str = "", seed: int | None = None) -> Shots:
    """Up to `count` training rows of the run, from all over its data, or drawn by `seed`.

    A row that asks what is `asked` is never among them. What does not fit into half of the base's context is left out,
    the longest first; tokens are estimated from the length of the text.

    Raises:
        StudioError: the run does not write, or none of its training rows can be shown.
    """
    if run.recipe.task.peft_type != "CAUSAL_LM":
        raise StudioError(
            f"{run.name} does not write answers, so no examples go before a question. Choose a run that writes."
        )
    return shots(run.examples("train"), count, int(_context(run) * SHARE), asked, seed)


def shots(examples: Examples, count: int, room: int, asked: str = "", seed: int | None = None) -> Shots:
    """As `few_shot`, from any examples and for a `room` in tokens."""
    count = max(1, min(count, MOST))
    chosen: list[Example] = []
    seen = {plain(asked)}
    for example in _candidates(examples, count, seed):
        if len(chosen) < count and example.same_prompt not in seen and _turns(example):
            chosen.append(example)
            seen.add(example.same_prompt)
    fitting = sorted(chosen, key=_tokens)
    while fitting and sum(map(_tokens, fitting)) > room:
        fitting.pop()
    if not fitting:
        raise StudioError(_none(bool(chosen), room))
    shown = [example for example in chosen if example in fitting]
    messages = [turn for example in shown for turn in _turns(example)]
    return Shots(messages, [example.row for example in shown], _note(len(shown), count, len(chosen)))


def _candidates(examples: Examples, count: int, seed: int | None) -> Iterator[Example]:
    """Rows in the order in which they are tried: spread evenly and then any others, or all by chance."""
    total = len(examples)
    chance = np.random.default_rng(seed or 0).permutation(total)
    even = np.unique(((np.arange(count) + 0.5) * total / count).astype(np.int64)) if total else chance
    order = chance if seed is not None else np.concatenate([even, chance[~np.isin(chance, even)]])
    yield from examples.take(order[:TRIES])


def _turns(example: Example) -> list[Message]:
    """Question and answer, turn by turn; empty where the row is plain text or speaks with tools."""
    spoken = [message for message in example.conversation if message["role"] != "system"]
    told = all(message["role"] in SPOKEN and isinstance(message.get("content"), str) for message in spoken)
    whole = spoken and spoken[0]["role"] == "user" and spoken[-1]["role"] == "assistant"
    if not told or not whole or example.tools or any(message.get("tool_calls") for message in spoken):
        return []
    return [{"role": message["role"], "content": message["content"]} for message in spoken]


def _tokens(example: Example) -> int:
    """About how many tokens the row takes."""
    turns = _turns(example)
    return sum(len(turn["content"].encode("utf-8", "replace")) // BYTES_A_TOKEN + TURN for turn in turns)


def _context(run: Run) -> int:
    """What the run's base holds, in tokens, as far as that is known without loading it."""
    try:
        located = locate(run.recipe.model.id)
        known = facts(located.folder).context if located.folder else located.card and located.card.context
    except StudioError:
        known = None
    return known or UNKNOWN_CONTEXT


def _note(shown: int, count: int, found: int) -> str:
    rows = f"{shown} training row{'s' if shown > 1 else ''} before the question"
    if shown < found:
        return f"{rows}; {found - shown} more would not fit into half of the context, so the longest were left out."
    if shown < count:
        return f"{rows}: the run has no more that can be shown."
    return f"{rows}."


def _none(found: bool, room: int) -> str:
    if found:
        return (
            f"Each of these training rows is longer than half of the context (about {room:,} tokens), so none goes "
            "before the question. Choose a base with a longer context."
        )
    return (
        "No training row of this run can go before this question: they are plain text, speak with tools, or ask the "
        "very same. Choose a run over questions and answers, or ask something else."
    )
