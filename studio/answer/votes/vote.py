"""One vote between two answers, as the run keeps it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from secrets import token_hex
from typing import IO, Literal

from pydantic import BaseModel, ConfigDict, Field

from studio.answer.settings import Settings
from studio.answer.voice import BASE, RESULT, Source, Voice
from studio.data.tokens.encode import Message

Choice = Literal["first", "second", "tie", "bad", "same"]
"""Which answer is better, as they were shown; neither; neither is any good; or both are word for word the same."""

Pair = tuple[Voice, Voice]
AS_TRAINED = 1.0


class Vote(BaseModel):
    """Two answers to one prompt, in the order in which they were shown, and what was said of them.

    `voices` name runs and never folders, so that a run can be moved. `time` is in seconds since the epoch; `row` is the
    number of the held-out row, None for a typed prompt.
    """

    model_config = ConfigDict(frozen=True)

    id: str = Field(default_factory=lambda: token_hex(8))
    time: float = Field(default_factory=time.time)
    prompt: list[Message]
    answers: tuple[str, str]
    voices: Pair
    choice: Choice
    settings: Settings
    row: int | None = None

    @property
    def winner(self) -> Voice | None:
        """Who gave the better answer, where one is."""
        return self.voices[0] if self.choice == "first" else self.voices[1] if self.choice == "second" else None

    @property
    def better_and_worse(self) -> tuple[str, str] | None:
        """Both answers, the better one first, where one is."""
        one, other = self.answers
        return (one, other) if self.choice == "first" else (other, one) if self.choice == "second" else None


def write_votes(votes: Iterable[Vote], file: IO[bytes]) -> None:
    """The votes as JSON lines."""
    file.writelines(vote.model_dump_json().encode() + b"\n" for vote in votes)


def by_name(voice: Voice) -> Voice:
    """The voice with the names of its runs in place of their folders; a base is one at any strength."""
    mixed = tuple(each.model_copy(update={"run": Path(each.run).name}) for each in voice.mixed)
    source = voice.source and voice.source.model_copy(update={"run": Path(voice.source.run).name})
    learned = not voice.model_id and (source is None or source.part != BASE)
    changes = {"source": source, "mixed": mixed, "strength": voice.strength if learned else AS_TRAINED}
    return voice.model_copy(update=changes)


def title_of(voice: Voice, home_run: str) -> str:
    """What a voice (by name) is called beside the run whose votes these are."""
    if voice.model_id:
        return Path(voice.model_id).name
    if voice.mixed:
        named = f"{voice.how} mix of {', '.join(_part_title(each, home_run) for each in voice.mixed)}"
    else:
        named = _part_title(voice.source, home_run)
    strength = f" at {voice.strength:g}" if voice.strength != AS_TRAINED else ""
    return f"{named}{strength}"


def _part_title(source: Source | None, home_run: str) -> str:
    if source is None or source.part == BASE:
        return "base"
    part = "tuned" if source.part == RESULT else source.part.replace("checkpoint-", "step ")
    if source.run == home_run:
        return part
    return source.run if source.part == RESULT else f"{source.run}, {part}"
