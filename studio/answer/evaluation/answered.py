"""One row of an evaluation with what everybody answered: what metrics, slices, the page and the report look at."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Read(BaseModel):
    """How a model reads the reference: `nats` is the sum of -ln p over its `tokens` tokens, the end token with them."""

    model_config = ConfigDict(frozen=True)
    nats: float
    tokens: int


class AnsweredRow(BaseModel):
    """A row, its reference, and by contestant what was answered and how the reference was read.

    `row` is its number in the source file. `label`, `group` and `source` are the row's columns of that name, "" where
    it has none. `marks` are what a judge gave, in [0, 1], and `own` what a user's own metric gave.
    """

    model_config = ConfigDict(frozen=True)
    row: int
    prompt: str
    reference: str
    answers: dict[str, str]
    read: dict[str, Read] = {}
    marks: dict[str, float] = {}
    own: dict[str, float] = {}
    label: str = ""
    group: str = ""
    source: str = ""

    def to_json(self) -> dict[str, Any]:
        """For one line of `answered.jsonl`."""
        return self.model_dump(mode="json", exclude_defaults=True)
