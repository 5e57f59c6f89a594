"""What the page and its child that fetches datasets say to each other: one JSON object a line."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

ROWS_FILE = "rows.parquet"
MOST_ROWS = 2_000_000
MOST_BYTES = 2**30  # of cells, uncompressed


class Line(BaseModel):
    """What every line is: a small frozen value."""

    model_config = ConfigDict(frozen=True)


class Request(Line):
    """What the child is asked: the rows of a split, written into the folder `draft`; without one, what there is."""

    id: str
    revision: str = ""
    subset: str = ""
    split: str = ""
    draft: str = ""
    most_rows: int = MOST_ROWS
    most_bytes: int = MOST_BYTES


class SoFar(Line):
    """Rows fetched so far."""

    kind: Literal["so far"] = "so far"
    done: int
    total: int | None


class Found(Line):
    """The splits of each subset."""

    kind: Literal["found"] = "found"
    choices: dict[str, tuple[str, ...]]


class Done(Line):
    """Where the rows came from; kept beside them. `left_out` names columns of images and sounds."""

    kind: Literal["done"] = "done"
    id: str
    revision: str
    subset: str
    split: str
    rows: int
    licence: str
    left_out: tuple[str, ...] = ()
    fetched: str


class Failed(Line):
    """Why it could not be done, in words."""

    kind: Literal["failed"] = "failed"
    message: str


Progress = SoFar | Found | Done | Failed
PROGRESS: TypeAdapter[Progress] = TypeAdapter(Annotated[Progress, Field(discriminator="kind")])
