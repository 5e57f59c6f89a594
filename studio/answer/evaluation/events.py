"""What happened in an evaluation: events as a run has them, with kinds of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from studio.run.events import Ended, Event, parsed_lines

TAIL_BYTES = 8192  # more than the last event ever takes


class Began(Event):
    """A process took it up, when `bytes` of answers were there already."""

    kind: Literal["began"] = "began"
    bytes: int = 0


class Worked(Event):
    """How far it is: `what` is being done, `done` of `of` in all, and the `share` of all work that is behind."""

    kind: Literal["worked"] = "worked"
    what: str
    done: int
    of: int
    share: float


class Noted(Event):
    """Something that a reader of the result should know."""

    kind: Literal["noted"] = "noted"
    note: str


class Again(Event):
    """It is to go on, though it had ended."""

    kind: Literal["again"] = "again"


class Died(Event):
    """Its process ended without a word, with `status` (negative: by a signal), and left `bytes` of answers."""

    kind: Literal["died"] = "died"
    status: int
    bytes: int


AnyEvent = Died | Began | Worked | Noted | Again | Ended
_ADAPTER: TypeAdapter[Any] = TypeAdapter(Annotated[AnyEvent, Field(discriminator="kind")])


def read_events(path: Path, tail: int | None = None) -> list[AnyEvent]:
    """The whole events of the file, or those in its last `tail` bytes."""
    try:
        with path.open("rb") as file:
            if tail is not None:
                file.seek(max(0, path.stat().st_size - tail))
            text = file.read()
    except FileNotFoundError:
        return []
    return list(parsed_lines(text[: text.rfind(b"\n") + 1], _ADAPTER))
