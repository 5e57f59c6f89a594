"""Votes for tests, between the base and the result of a run named "fox"."""

from __future__ import annotations

from studio.answer.settings import Settings
from studio.answer.voice import Voice
from studio.answer.votes.vote import Choice, Vote

BASE, TUNED = Voice.of_run("fox", "base"), Voice.of_run("fox")
ASKED = [{"role": "user", "content": "Colour?"}]


def cast(choice: Choice, turned: bool = False, row: int | None = None, system: str = "", **more: object) -> Vote:
    """A vote. `turned`: the tuned one was shown first."""
    start = [{"role": "system", "content": system}] if system else []
    voices, answers = ((TUNED, BASE), ("green", "red")) if turned else ((BASE, TUNED), ("red", "green"))
    said = {"prompt": [*start, *ASKED], "answers": answers, "voices": voices, "choice": choice, "row": row} | more
    return Vote.model_validate({"settings": Settings(), **said})
