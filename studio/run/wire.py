"""What all lines between the page and its children are: one JSON object each, with the number of a question."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ConfigDict


class Line(BaseModel):
    """What every line carries: the number of the question that it belongs to."""

    model_config = ConfigDict(frozen=True)
    id: int

    def replaces(self, earlier: Line) -> bool:
        """Whether a reader who has not yet seen `earlier` misses nothing without it."""
        return False


Asked = TypeVar("Asked", bound=Line)  # what the page asks a child
Said = TypeVar("Said", bound=Line)  # what a child says to the page


def line(message: Line) -> bytes:
    """The message as it goes over the pipe."""
    return message.model_dump_json().encode() + b"\n"
