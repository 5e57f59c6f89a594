"""What page and chat host say to each other: one JSON object a line. No torch here, both sides import it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from studio.answer.settings import Settings
from studio.data.tokens.encode import Message
from studio.run.wire import Line

Speaker = Literal["base", "tuned"]
SPEAKERS: tuple[Speaker, ...] = ("base", "tuned")


class Of(Line):
    """Whom a question is for: the models of a run, by its folder, or a base model of its own, by its id."""

    run: str = ""
    base: str = ""


class Ask(Of):
    """Answer: each speaker goes on with its own conversation."""

    kind: Literal["ask"] = "ask"
    messages: dict[Speaker, list[Message]]
    settings: Settings


class Load(Of):
    """Get ready for questions."""

    kind: Literal["load"] = "load"


class Stop(Line):
    """End that answer at the next token."""

    kind: Literal["stop"] = "stop"


class Note(Line):
    """What the host is doing or has decided, in words."""

    kind: Literal["note"] = "note"
    note: str


class Texts(Line):
    """What each speaker has said so far."""

    kind: Literal["texts"] = "texts"
    texts: dict[Speaker, str]

    def replaces(self, earlier: Line) -> bool:
        """Each holds all that was said."""
        return isinstance(earlier, Texts)


class Done(Line):
    """The last line of a question. `texts` is exact now: nothing is held back any more."""

    kind: Literal["done"] = "done"
    texts: dict[Speaker, str] = Field(default_factory=dict)


class Failed(Line):
    """The last line of a question that could not be answered, with the reason in words."""

    kind: Literal["failed"] = "failed"
    message: str


Request = Ask | Load | Stop
Reply = Note | Texts | Done | Failed
REQUEST: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="kind")])
REPLY: TypeAdapter[Reply] = TypeAdapter(Annotated[Reply, Field(discriminator="kind")])
