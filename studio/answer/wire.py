"""What page and chat host say to each other: one JSON object a line. No torch here, both sides import it."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import Field, TypeAdapter

from studio.answer.settings import Settings
from studio.answer.voice import Voice
from studio.data.tokens.encode import Message
from studio.run.wire import Line

Speaker = Literal["base", "tuned"]
SPEAKERS: tuple[Speaker, ...] = ("base", "tuned")

Ended = Literal["end", "length", "stopped"]


class Piece(NamedTuple):
    """One token of an answer. The texts of all pieces, joined, are the answer.

    `text` is empty for a token that shows nothing: the end of the answer, or the first part of a character, which
    comes whole with its last part. `p` is the probability that the model gave the token, and `others` are the likeliest
    other tokens with theirs; both are the model's own, before temperature and top-p.
    """

    text: str
    p: float
    others: list[tuple[str, float]]


class Measure(NamedTuple):
    """How one answer was written. Seconds count from when the models were ready, the same moment for all panes."""

    prompt_tokens: int
    tokens: int
    first: float | None
    """Seconds to the first token; None where none came."""
    seconds: float
    ended: Ended
    """By itself, where the longest answer allowed ends, or because it was stopped."""


class Asked(NamedTuple):
    """What one pane is asked: who answers, and the conversation that goes on."""

    voice: Voice
    messages: list[Message]


class Ask(Line):
    """Answer: each pane goes on with its own conversation. `asker` is whoever asks: turns are fair between askers."""

    kind: Literal["ask"] = "ask"
    asker: str = ""
    panes: dict[str, Asked]
    settings: Settings


class Load(Line):
    """Get ready for questions to these."""

    kind: Literal["load"] = "load"
    asker: str = ""
    voices: list[Voice]


class Stop(Line):
    """End that answer at the next token."""

    kind: Literal["stop"] = "stop"


class Note(Line):
    """What the host is doing or has decided, in words."""

    kind: Literal["note"] = "note"
    note: str


class Said(Line):
    """What has come to each answer since the last time.

    A pane in `anew` begins again: its tokenizer has changed earlier text, and its pieces here replace all before.
    """

    kind: Literal["said"] = "said"
    pieces: dict[str, list[Piece]]
    anew: list[str] = Field(default_factory=list)


class Done(Line):
    """The last line of a question. `texts` is exact: nothing is held back any more."""

    kind: Literal["done"] = "done"
    texts: dict[str, str] = Field(default_factory=dict)
    measures: dict[str, Measure] = Field(default_factory=dict)


class Failed(Line):
    """The last line of a question that could not be answered, with the reason in words."""

    kind: Literal["failed"] = "failed"
    message: str


Request = Ask | Load | Stop
Reply = Note | Said | Done | Failed
REQUEST: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="kind")])
REPLY: TypeAdapter[Reply] = TypeAdapter(Annotated[Reply, Field(discriminator="kind")])
