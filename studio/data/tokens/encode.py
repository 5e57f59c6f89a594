"""Examples as the model sees them: rendered by its chat template, tokenised, with the loss on answers only.

Gives the same tokens and labels as TRL's own preparation (prompt-completion, conversations with the loss on the
assistant, plain text), in batched passes in place of four to six passes row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from studio.data.example import Example, Examples, Message
from studio.data.part import Chunks
from studio.data.tokens.boundary import Boundary
from studio.data.tokens.chunk import chunked
from studio.data.tokens.encoded import IGNORED, SCHEMA, Encoded, batch_of, cut_at, places_in_rows
from studio.data.tokens.ids import text_ids, tokens_of
from studio.data.tokens.render import RefusedError, Renderer
from studio.data.tokens.turns import Rendered, TrainOn, rendered

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["IGNORED", "Encoded", "Message", "cut_at", "encode", "prompt_messages"]

ROWS_AT_ONCE = 2_000
_FIELDS = ("row", "prompt", "completion", "messages", "tools")

Side = tuple[int, str, str]
"""A row's number, what is asked, and what is answered."""

Part = tuple[list[int], pa.RecordBatch]
"""Places within a batch of examples, and their rows."""


def prompt_messages(prompt: str, system: str = "") -> list[Message]:
    """A prompt as the start of a conversation."""
    start = [{"role": "system", "content": system}] if system else []
    return [*start, {"role": "user", "content": prompt}]


def encode(
    examples: Sequence[Example],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int | None = None,
    chunks: Chunks | None = None,
    train_on: TrainOn = "every answer",
) -> Encoded:
    """Render and tokenise `examples`; rows longer than `max_length` tokens are cut at their end.

    Without `max_length` nothing is cut or dropped: `cut_at` does that later, for any length. Plain text is cut into
    chunks where `chunks` says so; these come after all other rows.
    """
    every = examples if isinstance(examples, Examples) else Examples.of(examples)
    work = _Work(tokenizer, Renderer(tokenizer), train_on, every.type == "language modeling")
    whole = chunks is None or chunks.by == "whole"
    batches: list[pa.RecordBatch] = []
    for rows, prompts, completions, messages, tools in every.batches(*_FIELDS, size=ROWS_AT_ONCE):
        sides = list(zip(rows, prompts, completions, strict=True))
        spoken = [i for i in range(len(rows)) if messages[i] or (tools[i] and prompts[i])]
        pairs = [i for i in range(len(rows)) if prompts[i] and not messages[i] and not tools[i]]
        texts = [i for i in range(len(rows)) if not prompts[i] and not messages[i]] if whole else []
        kinds = [
            work.pairs(pairs, sides),
            work.conversations(spoken, sides, messages, tools),
            work.texts(texts, sides),
        ]
        batches.extend(_in_order([each for each in kinds if each[1].num_rows]))
    if not whole and chunks is not None:
        batches.extend(chunked(every, tokenizer, chunks, max_length).batches)
    encoded = Encoded(pa.Table.from_batches(batches, SCHEMA), refused=work.refused, notes=tuple(work.renderer.notes))
    return encoded if max_length is None else cut_at(encoded, max_length)


@dataclass
class _Work:
    """The three ways to encode a batch; each gives the places within it and their rows."""

    tokenizer: PreTrainedTokenizerBase
    renderer: Renderer
    train_on: TrainOn
    by_markers: bool
    refused: dict[str, list[int]] = field(default_factory=dict)

    @cached_property
    def boundary(self) -> Boundary:
        """Where prompts may be parted from what follows."""
        return Boundary(self.renderer)

    def pairs(self, places: list[int], sides: Sequence[Side]) -> Part:
        """Questions with their answers: what is learned from begins where the tokens of both renderings part."""
        asked = [prompt_messages(sides[i][1]) for i in places]
        whole = [
            [*messages, {"role": "assistant", "content": sides[i][2]}]
            for i, messages in zip(places, asked, strict=True)
        ]
        before, after = self.renderer.texts(asked, goes_on=True), self.renderer.texts(whole)
        kept: list[int] = []
        texts: list[tuple[str, str]] = []
        for i, first, second in zip(places, before, after, strict=True):
            if isinstance(first, str) and isinstance(second, str):
                kept.append(i)
                texts.append((first, second))
            else:
                self._refuse(sides[i][0], first if isinstance(first, RefusedError) else second)
        ids, common = self.boundary.ids([first for first, _ in texts], [second for _, second in texts])
        starts = np.array(common, np.int64)
        sizes = np.array([len(each) for each in ids], np.int64)
        trained = places_in_rows(sizes) >= np.repeat(starts, sizes)
        return kept, batch_of([sides[i][0] for i in kept], ids, trained)

    def conversations(
        self, places: list[int], sides: Sequence[Side], messages: Sequence[str], tools: Sequence[str]
    ) -> Part:
        """Conversations of any number of turns."""
        kept: list[int] = []
        found: list[Rendered] = []
        for i in places:
            example = Example(*sides[i], messages=messages[i], tools=tools[i])
            try:
                found.append(rendered(self.renderer, example.conversation, tools[i], self.train_on, self.by_markers))
                kept.append(i)
            except RefusedError as error:
                self._refuse(example.row, error)
        ids, trained = tokens_of(self.tokenizer, found)
        return kept, batch_of([sides[i][0] for i in kept], ids, trained)

    def texts(self, places: list[int], sides: Sequence[Side]) -> Part:
        """Plain texts with the end token, all of it learned from."""
        ids = text_ids(self.tokenizer, [sides[i][2] for i in places])
        return places, batch_of([sides[i][0] for i in places], ids, np.ones(sum(map(len, ids)), bool))

    def _refuse(self, row: int, error: str | RefusedError) -> None:
        self.refused.setdefault(str(error), []).append(row)


def _in_order(parts: list[Part]) -> list[pa.RecordBatch]:
    """Rows of several kinds in the order of their places."""
    if len(parts) < 2:
        return [batch for _, batch in parts]
    places = np.concatenate([places for places, _ in parts])
    table = pa.Table.from_batches([batch for _, batch in parts]).take(np.argsort(places))
    return list(table.combine_chunks().to_batches())
