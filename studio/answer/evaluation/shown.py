"""A row with training rows before its question, as few-shot prompting has it."""

from __future__ import annotations

import json
from dataclasses import replace

from studio.answer.few_shot import SHARE, shots
from studio.data.example import Example, Examples, Message
from studio.errors import StudioError


def with_shots(example: Example, pool: Examples, count: int, context: int) -> Example:
    """The example with up to `count` rows of the pool before it, none of which asks the same.

    What does not fit into half of the context is left out; where nothing can be shown, the example is as it was.
    """
    try:
        found = shots(pool, count, int(context * SHARE), _question(example))
    except StudioError:
        return example
    return _after(found.messages, example)


def _question(example: Example) -> str:
    """In the words in which the pool's rows are compared with it."""
    return example.same_prompt


def _after(shown: list[Message], example: Example) -> Example:
    spoken = example.conversation
    system = [message for message in spoken[:1] if message["role"] == "system"]
    whole = [*system, *shown, *spoken[len(system) :]]
    return replace(example, messages=json.dumps(whole, ensure_ascii=False))
