"""What happened in a run: one JSON object a line, appended by one writer, read by anyone with a byte cursor."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

Cause = Literal[
    "", "memory", "not-a-number", "divergence", "plateau", "overfitting", "forgetting", "disk", "checkpoint", "process"
]
"""What lies behind a failure or a warning, for the page to offer what helps (see studio/recipe/ways_out.py)."""


class Event(BaseModel):
    """What all events carry. `time` is in seconds since the epoch."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="constants")
    step: int = 0
    time: float = Field(default_factory=time.time)


class Started(Event):
    """The trainer knows how far it has to go."""

    kind: Literal["started"] = "started"
    steps: int
    epochs: float
    rows: int
    held_out_rows: int
    trainable_parameters: int
    parameters: int
    check_every: int = 0
    """Steps from one held-out check to the next; 0: never, or not said."""


class Phase(Event):
    """It began to do something else; or, of the same phase again, how far it is: `done` of `of`, 0 where not known."""

    kind: Literal["phase"] = "phase"
    phase: Literal["loading", "preparing", "training", "scoring", "saving"]
    done: int = 0
    of: int = 0


class Decision(Event):
    """It chose something by itself: what, and why."""

    kind: Literal["decision"] = "decision"
    choice: str
    reason: str


class Warned(Event):
    """Something that a person should know, though the run goes on. `cause` names what can be done about it."""

    kind: Literal["warning"] = "warning"
    message: str
    cause: Cause = ""


class Saved(Event):
    """A checkpoint of this step is whole on the disk."""

    kind: Literal["saved"] = "saved"
    bytes: int
    seconds: float


class Metrics(Event):
    """Numbers measured at a step. Any of them can be drawn."""

    kind: Literal["metrics"] = "metrics"
    values: dict[str, float]


class Look(Event):
    """What the model in training says at a step: its answers to the prompts of the film strip by their id, and of the
    probes of each family which it has right, and at the first look of which it is sure (see
    `studio.run.looks.exam.Marks`): a text of 1 and 0, in the order of the probes."""

    kind: Literal["look"] = "look"
    texts: dict[str, str] = {}
    right: dict[str, str] = {}
    sure: dict[str, str] = {}


class Resumed(Event):
    """The run goes on from the checkpoint of this step; what was measured after it does not count."""

    kind: Literal["resumed"] = "resumed"


class Branched(Event):
    """The first event of a run that goes on from the checkpoint of another one. `step`: of which step."""

    kind: Literal["branched"] = "branched"
    run: str


class Ended(Event):
    """The last event of a run that could say how it ended. `folder` is what came out, if anything did; `cause` names
    what can be done about a failure."""

    kind: Literal["finished", "stopped", "paused", "cancelled", "failed"]
    message: str = ""
    cause: Cause = ""
    folder: str = ""
    seconds: float = 0.0


AnyEvent = Started | Phase | Decision | Warned | Metrics | Look | Saved | Resumed | Branched | Ended
Parsed = TypeVar("Parsed")
_ADAPTER: TypeAdapter[Any] = TypeAdapter(Annotated[AnyEvent, Field(discriminator="kind")])


class EventWriter:
    """Appends events to a file, each line in one write. Used as a context manager by the run's only writer.

    A line that was torn, by a full disk now or by the end of an earlier writer, is ended before the next one.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        size = os.fstat(self._descriptor).st_size
        self._torn = size > 0 and os.pread(self._descriptor, 1, size - 1) != b"\n"

    def write(self, event: Event) -> None:
        """Append `event`. Raises OSError where the disk is full; a torn line is skipped by readers."""
        line = b"\n" * self._torn + event.model_dump_json().encode() + b"\n"
        self._torn = True
        while line:
            line = line[os.write(self._descriptor, line) :]
        self._torn = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)


def read_events(path: Path, cursor: int = 0) -> tuple[list[AnyEvent], int]:
    """The whole events after byte `cursor`, and the cursor to go on from.

    A torn last line is left for the next call; kinds that this version does not know are skipped.
    """
    try:
        with path.open("rb") as file:
            file.seek(cursor)
            text = file.read()
    except FileNotFoundError:
        return [], cursor
    whole = text.rfind(b"\n") + 1
    return list(parsed_lines(text[:whole], _ADAPTER)), cursor + whole


def that_count(events: Iterable[AnyEvent]) -> list[AnyEvent]:
    """The events without those that were taken back: of steps after the one that the run later went on from."""
    kept: list[AnyEvent] = []
    for event in events:
        if isinstance(event, Resumed):
            kept = [each for each in kept if each.step <= event.step]
        kept.append(event)
    return kept


def last_step(events: Iterable[AnyEvent]) -> int:
    """The highest step of the events that count."""
    return max((event.step for event in that_count(events)), default=0)


def parsed_lines(text: bytes, adapter: TypeAdapter[Parsed]) -> Iterator[Parsed]:
    """What the lines say; one that is torn, or of a kind that the adapter does not know, is skipped."""
    for line in text.splitlines():
        try:
            yield adapter.validate_json(line)
        except ValidationError:
            continue
