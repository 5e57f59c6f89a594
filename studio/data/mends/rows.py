"""Mends of whole rows and of single cells."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from studio.data.checks.near import near_groups
from studio.data.checks.scan import rows_found
from studio.data.example import Examples, Message
from studio.data.mends.mend import MendKind, dumped, with_cells


class Drop(MendKind):
    """Leaves single rows out."""

    by_row: ClassVar[bool] = True
    title: ClassVar[str] = "Drop these rows"
    done: ClassVar[str] = "rows dropped by hand"
    kind: Literal["drop"] = "drop"
    rows: tuple[int, ...]

    def apply(self, examples: Examples) -> Examples:
        return examples.without(self.rows)


class DropFound(MendKind):
    """Leaves out every row of which something is found, whichever rows those are when it is applied."""

    title: ClassVar[str] = "Drop all of these rows"
    done: ClassVar[str] = "rows dropped that had one finding"
    kind: Literal["drop-found"] = "drop-found"
    found: str
    """The kind of the finding, such as placeholder."""

    def apply(self, examples: Examples) -> Examples:
        return examples.without(rows_found(examples, self.found))


class DropNearDuplicates(MendKind):
    """Keeps the first of every group of rows that say nearly the same."""

    title: ClassVar[str] = "Keep one of each"
    done: ClassVar[str] = "near-duplicates dropped, the first of each kept"
    kind: Literal["drop-near-duplicates"] = "drop-near-duplicates"
    threshold: float = Field(0.8, ge=0.5, le=1.0)
    """The share of word groups that two rows have in common from which on they count as nearly the same."""

    def apply(self, examples: Examples) -> Examples:
        groups = near_groups(examples, self.threshold)
        return examples.take(np.flatnonzero(groups == np.arange(len(groups))))


class Edit(MendKind):
    """Puts another text into one cell. `field` is prompt, completion, rejected, or messages.N for turn N from 0."""

    by_row: ClassVar[bool] = True
    title: ClassVar[str] = "Edit"
    done: ClassVar[str] = "a cell edited by hand"
    kind: Literal["edit"] = "edit"
    row: int
    field: str = Field(pattern=r"^(prompt|completion|rejected|messages\.\d{1,4})$")
    text: str

    def apply(self, examples: Examples) -> Examples:
        name, _, turn = self.field.partition(".")
        places = (examples.rows == self.row).nonzero()[0].tolist()
        if not turn:
            return with_cells(examples, name, dict.fromkeys(places, self.text))
        for place in places:
            spoken = examples[place].conversation
            if examples[place].messages and int(turn) < len(spoken):
                spoken[int(turn)]["content"] = self.text
                examples = with_cells(examples, "messages", {place: dumped(spoken)})
                also = _shown_as(spoken, int(turn))
                examples = with_cells(examples, also, {place: self.text}) if also else examples
        return examples


def _shown_as(spoken: list[Message], turn: int) -> str:
    """The field that holds that turn too: the last answer is the completion, the question before it the prompt."""
    answers = [i for i, message in enumerate(spoken) if message["role"] == "assistant"]
    if not answers or turn == answers[-1]:
        return "completion" if answers else ""
    questions = [i for i, message in enumerate(spoken[: answers[-1]]) if message["role"] == "user"]
    return "prompt" if questions and turn == questions[-1] else ""
