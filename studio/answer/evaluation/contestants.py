"""Those who answer, ready to: each with its seat and with the rows as it is asked them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from studio.answer.evaluation.request import Contestant
from studio.answer.evaluation.shown import with_shots
from studio.answer.prompts import asked_ids
from studio.data.example import Example, Examples
from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.answer.voices import Seat

MARGIN = 16  # tokens that an answer may have beyond the longest reference: it is wrong by then
UNKNOWN_CONTEXT = 2048  # tokens, where a model does not say how much it holds

Ids = list[int]


@dataclass(frozen=True)
class Asked:
    """A contestant with what it is asked: {place: row}, {place: prompt as token ids}, and {place: tokens of the
    reference}. An answer may have `longest` tokens."""

    contestant: Contestant
    seat: Seat
    rows: dict[int, Example]
    prompts: dict[int, Ids] = field(default_factory=dict)
    references: dict[int, int] = field(default_factory=dict)
    longest: int = 0

    @property
    def name(self) -> str:
        return self.contestant.name

    def holds(self, place: int) -> bool:
        """Whether the model can hold the prompt of that row and the start of an answer."""
        return place in self.prompts and (self.seat.context is None or len(self.prompts[place]) < self.seat.context)


def asked_of(contestant: Contestant, seat: Seat, rows: Mapping[int, Example], pool: Examples) -> Asked:
    """The contestant asked these rows, with training rows of the pool before each where it is to have some.

    Raises:
        StudioError: none of them can be asked.
    """
    references = _lengths(seat, [row.completion for row in rows.values()])
    longest = _rounded(max(references) + MARGIN)
    given = dict(rows)
    if contestant.shots and len(pool):
        given = _shown(contestant, seat, rows, pool, longest)
    prompts = _prompts(seat, given)
    return Asked(contestant, seat, given, prompts, dict(zip(rows, references, strict=True)), longest)


def mark_of_ids(ids: Sequence[int]) -> str:
    """Tells one row of token ids from any other."""
    return blake2b(np.asarray(ids, np.int64).tobytes(), digest_size=12).hexdigest()


def _shown(
    contestant: Contestant, seat: Seat, rows: Mapping[int, Example], pool: Examples, longest: int
) -> dict[int, Example]:
    """The rows with as many shots as leave room for the answer, by the tokens themselves."""
    context = seat.context or UNKNOWN_CONTEXT
    found: dict[int, Example] = {}
    waiting, count = dict(rows), contestant.shots
    while waiting and count:
        given = {place: with_shots(row, pool, count, context) for place, row in waiting.items()}
        prompts = _prompts(seat, given)
        fitting = {place for place, ids in prompts.items() if len(ids) + longest <= context}
        found |= {place: given[place] for place in fitting}
        waiting = {place: row for place, row in waiting.items() if place not in fitting}
        count //= 2
    return {place: found.get(place, row) for place, row in rows.items()}


def _prompts(seat: Seat, rows: Mapping[int, Example]) -> dict[int, Ids]:
    places = list(rows)
    found = asked_ids(seat.tokenizer, list(rows.values()))
    return {places[i]: ids for i, ids in found.items()}


def _lengths(seat: Seat, texts: Sequence[str]) -> list[int]:
    return [len(ids) for ids in seat.tokenizer(list(texts), add_special_tokens=False)["input_ids"]]


def _rounded(tokens: int) -> int:
    """Up to a whole number of margins, so that evaluations over different rows of one kind have the same limit."""
    return -(-tokens // MARGIN) * MARGIN


def none_fits(context: int | None) -> StudioError:
    """What is said where no row can be asked."""
    return StudioError(
        f"Every held-out prompt is longer than the model's context of {context or 0:,} tokens. "
        "Train a base with a longer context, or shorten the prompts."
    )
