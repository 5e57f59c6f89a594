"""Votes as preference pairs to tune on, in TRL's words: prompt, chosen, rejected."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from studio.answer.votes.vote import Vote
from studio.data.example import Example, Examples
from studio.data.export import write_rows
from studio.data.pasted import keep
from studio.errors import StudioError

SENSIBLE = 40
"""From so many pairs on it makes sense to tune on them."""


def pairs_of(votes: Iterable[Vote]) -> Examples:
    """The votes that name a better answer, as preferences numbered from 1. An empty answer teaches nothing, so a vote
    for or against one is left out.

    Where any prompt has a system prompt or earlier turns, `write_rows` writes all of them as messages: a set has one
    form.
    """
    return Examples.of(_pairs(votes), "preference")


def _pairs(votes: Iterable[Vote]) -> Iterator[Example]:
    number = 0
    for vote in votes:
        if vote.better_and_worse is None or not all(answer.strip() for answer in vote.answers):
            continue
        number += 1
        better, worse = vote.better_and_worse
        asked = str(vote.prompt[-1]["content"])
        whole = [*vote.prompt, {"role": "assistant", "content": better}]
        messages = json.dumps(whole, ensure_ascii=False) if len(vote.prompt) > 1 else ""
        yield Example(number, asked, better, messages=messages, rejected=worse)


def write_pairs(pairs: Examples, file: IO[bytes]) -> None:
    """The pairs as JSON lines."""
    write_rows(pairs, ".jsonl", file)


def keep_pairs(uploads: Path, pairs: Examples, stem: str) -> Path:
    """The pairs as a file among the uploads, where a recipe's data are: the same pairs twice are one file.

    Raises StudioError where there is no pair, and where there is no room.
    """
    if not len(pairs):
        raise StudioError(
            "There is no pair to tune on yet: a pair comes from a vote that names the better of two answers. Vote on "
            f"some prompts first; {SENSIBLE} pairs or more are sensible."
        )
    try:
        with tempfile.TemporaryDirectory(dir=uploads, prefix=".part-") as folder:
            file = Path(folder, f"{stem}.jsonl")
            with file.open("wb") as stream:
                write_pairs(pairs, stream)
            return keep(uploads, [file])
    except OSError as error:
        raise StudioError(f"The pairs could not be kept in {uploads} ({error.strerror}). Free some space.") from None
