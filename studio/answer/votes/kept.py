"""The votes of a run: votes.jsonl in its folder, one JSON object a line, only ever appended to.

A line is a vote, or takes one back: `{"undone": ID, "time": SECONDS}`. Lines that were torn are skipped.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path

from studio.answer.votes.vote import Vote
from studio.errors import StudioError
from studio.run.directory import Run

NAME = "votes.jsonl"


def votes_path(run: Run) -> Path:
    """Where the votes of a run lie; no file where nobody voted."""
    return run.path / NAME


def add_vote(run: Run, vote: Vote) -> None:
    """Keep a vote. It is on the disk when this returns. Raises StudioError where it cannot be written."""
    _append(run, vote.model_dump_json())


def undo_vote(run: Run, id: str) -> None:
    """Take a vote back. Raises StudioError where there is none of that id (any more), or it cannot be written."""
    if all(vote.id != id for vote in read_votes(run)):
        raise StudioError("This vote is not there any more: it was taken back before, or its file was removed.")
    _append(run, json.dumps({"undone": id, "time": time.time()}))


def read_votes(run: Run) -> list[Vote]:
    """The votes that stand, oldest first. Raises StudioError where the file cannot be read."""
    votes: dict[str, Vote] = {}
    for line in _lines(run):
        try:
            said = json.loads(line)
            if isinstance(said, dict) and "undone" in said:
                votes.pop(str(said["undone"]), None)
            else:
                vote = Vote.model_validate(said)
                votes[vote.id] = vote
        except ValueError:  # torn, or not a vote
            continue
    return list(votes.values())


def _lines(run: Run) -> list[bytes]:
    try:
        return votes_path(run).read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StudioError(
            f"The votes of {run.name} cannot be read ({error.strerror}). Make {votes_path(run)} readable again."
        ) from error


def _append(run: Run, line: str) -> None:
    """One more line, whole and on the disk. A line that a full disk or an early end tore is ended before it."""
    try:
        descriptor = os.open(votes_path(run), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = os.fstat(descriptor).st_size
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            left = b"\n" * torn + line.encode() + b"\n"
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StudioError(
            f"The vote could not be written to {run.path} ({error.strerror}). Free some space, or look whether the "
            "run's folder is still there; then vote again."
        ) from error
