"""Held-out rows answered in batches, greedily, by base and tuned model in one copy of the weights."""

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
    from studio.answer.voices import Voices
    from studio.data.example import Example

BATCH = 16  # rows answered at once
MARGIN = 16  # tokens that an answer may have beyond the longest reference: it is wrong by then


@dataclass(frozen=True)
class Exam:
    """What is asked: `prompts` holds {index of the pair: token ids}, without those that fill the context, that the
    template refuses, and plain text."""

    voices: Voices
    prompts: dict[int, list[int]]
    longest_answer: int

    def answers(self, tuned: bool, done: Callable[[int], None]) -> dict[int, str]:
        """All answers of the tuned model, or of the base; `done` gets the number of rows of each finished batch."""
        order = sorted(self.prompts, key=lambda i: -len(self.prompts[i]))  # if memory is short, it shows at once
        answers: dict[int, str] = {}
        for start in range(0, len(order), BATCH):
            members = order[start : start + BATCH]
            answers |= zip(members, self._batch(members, tuned), strict=True)
            done(len(members))
        return answers

    def _batch(self, members: list[int], tuned: bool) -> list[str]:
        rows = [Row(self.prompts[i], tuned) for i in members]
        transcripts = [Transcript(self.voices.tokenizer) for _ in rows]
        allowed = room(max(len(row.ids) for row in rows), self.voices.context, self.longest_answer)

        def heard(step: dict[int, int]) -> None:
            for row, token in step.items():
                transcripts[row].add(token)

        settings = Settings().model_copy(update={"temperature": 0.0, "max_new_tokens": allowed})
        generate(self.voices, rows, settings, heard, lambda: False)
        return [transcript.text() for transcript in transcripts]


def prepare_exam(voices: Voices, pairs: Sequence[Example]) -> Exam:
    """The exam over `pairs`; of a conversation its last answer is asked for.

    Raises:
        StudioError: none of them asks anything, or the model can hold none of the prompts.
    """
    prompts = asked_ids(voices.tokenizer, pairs)
    fitting = {i: ids for i, ids in prompts.items() if voices.context is None or len(ids) < voices.context}
    if not fitting:
        raise StudioError(
            f"Every held-out prompt is longer than the model's context of {voices.context:,} tokens. "
            "Train a base with a longer context, or shorten the prompts."
        )
    references = voices.tokenizer([pairs[i].completion for i in fitting], add_special_tokens=False)["input_ids"]
    return Exam(voices, fitting, max(map(len, references)) + MARGIN)
