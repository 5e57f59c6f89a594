"""Pairs as the model sees them: rendered by its chat template, tokenised, with the loss on the completion only.

Gives the same tokens and labels as TRL's own preparation of a conversational prompt-completion dataset, in two
batched passes in place of four to six passes row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.data.example import Example

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED = -100  # the label that cross-entropy leaves out

Message = dict[str, str]


@dataclass(frozen=True)
class Encoded:
    """Rows of token ids, ready for the trainer.

    `input_ids` and `labels` have one list a row, of equal lengths; a label is the token's own id or -100.
    `rows` are the source row numbers; `cut` those that lost their end, `dropped` those whose prompt left no room.
    """

    input_ids: list[list[int]]
    labels: list[list[int]]
    rows: list[int]
    cut: list[int]
    dropped: list[int]


def prompt_messages(prompt: str, system: str = "") -> list[Message]:
    """A prompt as the start of a conversation."""
    start = [{"role": "system", "content": system}] if system else []
    return [*start, {"role": "user", "content": prompt}]


def encode(pairs: Sequence[Example], tokenizer: PreTrainedTokenizerBase, max_length: int) -> Encoded:
    """Render and tokenise `pairs`; rows longer than `max_length` tokens are cut at their end."""
    prompts = [prompt_messages(pair.prompt) for pair in pairs]
    whole = [
        [*prompt, {"role": "assistant", "content": pair.completion}]
        for prompt, pair in zip(prompts, pairs, strict=True)
    ]
    prompt_ids = _token_ids(tokenizer, prompts, generation_prompt=True)
    whole_ids = _token_ids(tokenizer, whole, generation_prompt=False)
    encoded = Encoded([], [], [], [], [])
    for pair, before, ids in zip(pairs, prompt_ids, whole_ids, strict=True):
        start = _common_prefix(before, ids)
        if start >= min(len(ids), max_length):  # nothing is left to learn
            encoded.dropped.append(pair.row)
            continue
        if len(ids) > max_length:
            encoded.cut.append(pair.row)
        encoded.input_ids.append(ids[:max_length])
        encoded.labels.append(([IGNORED] * start + ids[start:])[:max_length])
        encoded.rows.append(pair.row)
    return encoded


def _token_ids(
    tokenizer: PreTrainedTokenizerBase, conversations: list[list[Message]], generation_prompt: bool
) -> list[list[int]]:
    if not conversations:
        return []
    texts = tokenizer.apply_chat_template(conversations, tokenize=False, add_generation_prompt=generation_prompt)
    return list(tokenizer(texts, add_special_tokens=False)["input_ids"])


def _common_prefix(first: list[int], second: list[int]) -> int:
    pairs = enumerate(zip(first, second, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(first), len(second)))
