"""answers.jsonl: what was answered, read and marked so far. Append only, so that a killed evaluation goes on there."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from studio.run.events import parsed_lines

SYNC = 5.0  # seconds between two times that what was written is forced onto the disk

Key = tuple[str, int]
"""A contestant's name and the place of a row."""


class Said(BaseModel):
    """An answer of `tokens` tokens; one that has not `ended` by itself was cut. `asked` marks the exact prompt."""

    model_config = ConfigDict(frozen=True)
    kind: Literal["said"] = "said"
    who: str
    place: int
    text: str
    tokens: int
    ended: bool
    asked: str = ""


class Learnt(BaseModel):
    """How the reference was read: the sum of -ln p over its tokens. 0 tokens: the model cannot hold it."""

    model_config = ConfigDict(frozen=True)
    kind: Literal["read"] = "read"
    who: str
    place: int
    nats: float
    tokens: int
    asked: str = ""


class Marked(BaseModel):
    """What a judge gave, in [0, 1]; None where it gave nothing that can be used."""

    model_config = ConfigDict(frozen=True)
    kind: Literal["marked"] = "marked"
    who: str
    place: int
    mark: float | None


Line = Annotated[Said | Learnt | Marked, Field(discriminator="kind")]
_ADAPTER: TypeAdapter[Said | Learnt | Marked] = TypeAdapter(Line)


def read_answers(path: Path) -> Iterator[Said | Learnt | Marked]:
    """The whole lines of the file; one that was torn is left out."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return
    yield from parsed_lines(text[: text.rfind(b"\n") + 1], _ADAPTER)


class Answers:
    """The file, as its only writer has it. Used as a context manager."""

    def __init__(self, path: Path) -> None:
        self.said: dict[Key, Said] = {}
        self.read: dict[Key, Learnt] = {}
        self.marks: dict[Key, Marked] = {}
        for line in read_answers(path):
            self._keep(line)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        size = os.fstat(self._descriptor).st_size
        self._torn = size > 0 and os.pread(self._descriptor, 1, size - 1) != b"\n"
        self._synced = time.monotonic()

    def add(self, lines: Iterable[Said | Learnt | Marked]) -> None:
        """Keep what was done. Raises OSError where the disk is full; a torn line is skipped by readers."""
        every = list(lines)
        if not every:
            return
        text = b"\n" * self._torn + b"".join(line.model_dump_json().encode() + b"\n" for line in every)
        self._torn = True
        while text:
            text = text[os.write(self._descriptor, text) :]
        self._torn = False
        for line in every:
            self._keep(line)
        if time.monotonic() - self._synced >= SYNC:
            os.fsync(self._descriptor)
            self._synced = time.monotonic()

    def __enter__(self) -> Answers:
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self._descriptor)

    def _keep(self, line: Said | Learnt | Marked) -> None:
        key = (line.who, line.place)
        if isinstance(line, Said):
            self.said[key] = line
        elif isinstance(line, Learnt):
            self.read[key] = line
        else:
            self.marks[key] = line
