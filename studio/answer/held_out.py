"""Held-out rows answered in batches, greedily, by one voice after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.answer.generate import Row, generate
from studio.answer.prompts import asked_ids, room
from studio.answer.settings import Settings
from studio.answer.transcript import Transcript
from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.answer.sampling import Token
    from studio.answer.voices import Seat
    from studio.data.example import Example

BATCH = 16  # rows answered at once
MARGIN = 16  # tokens that an answer may have beyond the longest reference: it is wrong by then


@dataclass(frozen=True)
class Exam:
    """What is asked: `prompts` holds {index of the pair: token ids}, without those that fill the context, that the
    template refuses, and plain text."""

    prompts: dict[int, list[int]]
    longest_answer: int

    def answers(self, seat: Seat, done: Callable[[int], None]) -> dict[int, str]:
        """All answers of a voice; `done` gets the number of rows of each finished batch."""
        order = sorted(self.prompts, key=lambda i: -len(self.prompts[i]))  # if memory is short, it shows at once
        answers: dict[int, str] = {}
        for start in range(0, len(order), BATCH):
            members = order[start : start + BATCH]
            answers |= zip(members, self._batch(members, seat), strict=True)
            done(len(members))
        return answers

    def _batch(self, members: list[int], seat: Seat) -> list[str]:
        rows = [Row(self.prompts[i], seat) for i in members]
        transcripts = [Transcript(seat.tokenizer) for _ in rows]
        allowed = room(max(len(row.ids) for row in rows), seat.context, self.longest_answer)

        def heard(step: dict[int, Token]) -> None:
            for row, token in step.items():
                transcripts[row].add(token.id)

        settings = Settings().model_copy(update={"temperature": 0.0, "max_new_tokens": allowed})
        generate(rows, settings, heard, lambda: False)
        return [transcript.text() for transcript in transcripts]


def prepare_exam(seats: Sequence[Seat], pairs: Sequence[Example]) -> Exam:
    """The exam over `pairs` for voices that share a tokenizer; of a conversation its last answer is asked for.

    Raises:
        StudioError: none of them asks anything, or a voice can hold none of the prompts.
    """
    tokenizer = seats[0].tokenizer
    context = min((seat.context for seat in seats if seat.context is not None), default=None)
    prompts = asked_ids(tokenizer, pairs)
    fitting = {i: ids for i, ids in prompts.items() if context is None or len(ids) < context}
    if not fitting:
        raise StudioError(
            f"Every held-out prompt is longer than the model's context of {context:,} tokens. "
            "Train a base with a longer context, or shorten the prompts."
        )
    references = tokenizer([pairs[i].completion for i in fitting], add_special_tokens=False)["input_ids"]
    return Exam(fitting, max(map(len, references)) + MARGIN)
