"""What a person wants of a run that is waiting or going on: the run's file `stop`, whose text says which."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path


class Wish(StrEnum):
    """How a run is to end before its end."""

    STOP = "stop"
    """At the next step; what was learned is kept as a result."""
    PAUSE = "pause"
    """At the next step; a checkpoint is kept to go on from, and no result is made."""
    CANCEL = "cancel"
    """At once; what was learned is thrown away."""


STRENGTH = (Wish.PAUSE, Wish.STOP, Wish.CANCEL)


def read_wish(path: Path) -> Wish | None:
    """The wish in the file, or None where there is none. A file that says something else means stop."""
    try:
        text = path.read_text("utf-8", "replace").strip()
    except FileNotFoundError:
        return None
    return Wish(text) if text in set(Wish) else Wish.STOP


def write_wish(path: Path, wish: Wish) -> None:
    """Ask for `wish`, unless more was asked already: a cancel is not taken back by a stop. Raises OSError."""
    before = read_wish(path)
    if before is None or STRENGTH.index(wish) > STRENGTH.index(before):
        draft = path.with_name(f".{path.name}-{wish}")
        draft.write_text(wish, "utf-8")
        draft.replace(path)


class Interrupted(BaseException):
    """The run was asked to end, and does so here. No library takes it for an error of its own."""

    def __init__(self, wish: Wish) -> None:
        super().__init__(wish.value)
        self.wish = wish
