"""What the page and the child that studies rows say to each other. No transformers here, both sides import it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from studio.data.example import ExampleType
from studio.data.part import DataPart
from studio.run.study.look import Look
from studio.run.study.study import Thorough
from studio.run.wire import Line


class Prepare(Line):
    """Prepare the rows of a large file and keep them in the cache."""

    kind: Literal["prepare"] = "prepare"
    part: DataPart


class Examine(Line):
    """Study the rows of a data part thoroughly, as this base model sees them."""

    kind: Literal["examine"] = "examine"
    part: DataPart
    model: str
    max_length: int


class Show(Line):
    """Show one example as this base model sees it. `texts` has the example's fields beside its row."""

    kind: Literal["show"] = "show"
    part: DataPart
    model: str
    max_length: int
    row: int
    texts: dict[str, str]
    type: ExampleType


class Doing(Line):
    """What the child is at, how much of it is done, and of how much (0: not known)."""

    kind: Literal["doing"] = "doing"
    what: str
    done: int = 0
    total: int = 0

    def replaces(self, earlier: Line) -> bool:
        """Only where it is now is worth knowing."""
        return isinstance(earlier, Doing)


class Prepared(Line):
    """The rows are prepared; where the disk took them, they are in the cache."""

    kind: Literal["prepared"] = "prepared"


class Examined(Line):
    """The study is done."""

    kind: Literal["examined"] = "examined"
    thorough: Thorough


class Shown(Line):
    """The example, token by token."""

    kind: Literal["shown"] = "shown"
    look: Look


class Failed(Line):
    """It could not be done: why, in sentences."""

    kind: Literal["failed"] = "failed"
    problems: list[str]


Request = Prepare | Examine | Show
Reply = Doing | Prepared | Examined | Shown | Failed
REQUEST: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="kind")])
REPLY: TypeAdapter[Reply] = TypeAdapter(Annotated[Reply, Field(discriminator="kind")])
