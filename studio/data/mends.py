"""What can be mended in examples. A recipe holds a list of mends; applied in order they give the same rows anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field

from studio.data.example import BATCH, Examples
from studio.knob import Part

MENDED = ("prompt", "completion", "rejected")


class MendKind(Part):
    """One mend. `title` is what its button says, `done` what it has done, for the list of mends."""

    title: ClassVar[str]
    done: ClassVar[str]

    def apply(self, examples: Examples) -> Examples:
        """The examples after the mend; the ones given are unchanged."""
        raise NotImplementedError


class Drop(MendKind):
    """Leaves single rows out."""

    title: ClassVar[str] = "Drop these rows"
    done: ClassVar[str] = "rows dropped by hand"
    kind: Literal["drop"] = "drop"
    rows: tuple[int, ...]

    def apply(self, examples: Examples) -> Examples:
        return examples.without(self.rows)


class Edit(MendKind):
    """Puts another text into one cell. `field` is prompt, completion, rejected, or messages.N for turn N from 0."""

    title: ClassVar[str] = "Edit"
    done: ClassVar[str] = "a cell edited by hand"
    kind: Literal["edit"] = "edit"
    row: int
    field: str = Field(pattern=r"^(prompt|completion|rejected|messages\.\d{1,4})$")
    text: str

    def apply(self, examples: Examples) -> Examples:
        places = (examples.rows == self.row).nonzero()[0]
        if not len(places):
            return examples
        name, _, turn = self.field.partition(".")
        cells = examples.column(name).to_pylist()
        for place in places:
            cells[place] = _turned(cells[place], int(turn), self.text) if turn else self.text
        return examples.replaced(**{name: cells})


class TrimSpaces(MendKind):
    """Takes blanks and line ends off both ends of every cell."""

    title: ClassVar[str] = "Trim the ends"
    done: ClassVar[str] = "blanks at the ends trimmed"
    kind: Literal["trim-spaces"] = "trim-spaces"

    def apply(self, examples: Examples) -> Examples:
        return with_texts(examples, str.strip)


Mend = Annotated[Drop | Edit | TrimSpaces, Field(discriminator="kind")]
MENDS: tuple[type[MendKind], ...] = get_args(get_args(Mend)[0])


def apply_mends(examples: Examples, mends: Iterable[MendKind]) -> Examples:
    """The examples after all of them, in their order."""
    for mend in mends:
        examples = mend.apply(examples)
    return examples


def with_texts(examples: Examples, changed: Callable[[str], str]) -> Examples:
    """The examples with every text, those of messages included, put through `changed`."""
    texts: dict[str, list[str]] = {}
    for name in filter(examples.has, MENDED):
        texts[name] = [changed(text) for (batch,) in examples.batches(name, size=BATCH) for text in batch]
    if examples.has("messages"):
        texts["messages"] = [
            _contents(text, changed) for (batch,) in examples.batches("messages", size=BATCH) for text in batch
        ]
    return examples.replaced(**texts)


def _contents(messages: str, changed: Callable[[str], str]) -> str:
    if not messages:
        return ""
    spoken = json.loads(messages)
    for message in spoken:
        if isinstance(message.get("content"), str):
            message["content"] = changed(message["content"])
    return dumped(spoken)


def _turned(messages: str, turn: int, text: str) -> str:
    spoken = json.loads(messages) if messages else []
    if turn < len(spoken):
        spoken[turn]["content"] = text
    return dumped(spoken) if spoken else ""


def dumped(messages: list[dict[str, Any]]) -> str:
    """Messages as the JSON text that an example holds."""
    return json.dumps(messages, ensure_ascii=False, separators=(",", ":"))
