"""Rows that are more than two texts, turned into examples some thousands at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from studio.data.example import BATCH, Examples, ExampleType, Message
from studio.data.shapes.conversations import Told, parsed
from studio.data.shapes.troubles import Troubles, UnusableError
from studio.data.table import Table

FIELDS = ("prompt", "completion", "messages", "tools", "rejected")


@dataclass(frozen=True)
class Spoken:
    """What a row says: its messages, the last answer among them, its tools as JSON, and a worse last answer."""

    messages: list[Message]
    tools: str = ""
    rejected: str = ""


Said = Callable[[dict[str, Any], Told], Iterable[Spoken]]
"""Makes the examples of one row out of its cells by role. Raises UnusableError."""


@dataclass
class Gathered:
    """Examples in columns, and the place of each in the table."""

    texts: dict[str, list[pa.Array]] = field(default_factory=lambda: {name: [] for name in FIELDS})
    places: list[np.ndarray] = field(default_factory=list)
    troubles: Troubles = field(default_factory=Troubles)

    @property
    def source(self) -> np.ndarray:
        """The place in the table that each example came from, int64."""
        return np.concatenate([*self.places, np.empty(0, np.int64)])

    def examples(self, rows: np.ndarray, type: ExampleType) -> Examples:
        """The examples under these row numbers, without the fields that none fills."""
        columns = {name: pa.chunked_array(parts, pa.large_string()) for name, parts in self.texts.items()}
        kept = {name: column for name, column in columns.items() if name in FIELDS[:2] or _any_text(column)}
        return Examples.of_columns(rows, kept, type)


def gather(table: Table, columns: Mapping[str, str | pa.ChunkedArray], said: Said) -> Gathered:
    """What `said` makes of every row. `columns` holds, by role, a column's name or ready texts.

    A cell of a named column reaches `said` as a list or an object where the file has one there, and as text or None
    otherwise.
    """
    found = Gathered()
    for start in range(0, len(table), BATCH):
        size = min(BATCH, len(table) - start)
        cells = {role: _cells(table, column, start, size) for role, column in columns.items()}
        texts: dict[str, list[str]] = {name: [] for name in FIELDS}
        places: list[int] = []
        for i in range(size):
            row = int(table.numbers[start + i])
            for fields in _fields_of_row({role: cells[role][i] for role in cells}, row, said, found.troubles):
                for name in FIELDS:
                    texts[name].append(fields[name])
                places.append(start + i)
        for name in FIELDS:
            found.texts[name].append(pa.array(texts[name], pa.large_string()))
        found.places.append(np.array(places, np.int64))
    return found


def _cells(table: Table, column: str | pa.ChunkedArray, start: int, size: int) -> list[Any]:
    if not isinstance(column, str):
        return list(column.slice(start, size).to_pylist())
    cells = table.texts(column).slice(start, size).to_pylist()
    if column in table.nested:
        for i, text in enumerate(table.nested[column].slice(start, size).to_pylist()):
            if text is not None:
                cells[i] = parsed(text)
    return list(cells)


def _fields_of_row(cells: dict[str, Any], row: int, said: Said, troubles: Troubles) -> Iterator[dict[str, str]]:
    def told(kind: str) -> None:
        troubles.add(kind, row)

    try:
        made = [fields_of(spoken, told) for spoken in said(cells, told)]
    except UnusableError as error:
        troubles.add(error.kind, row, error.detail)
        return
    yield from made


def fields_of(spoken: Spoken, told: Told) -> dict[str, str]:
    """An example's fields. One question with its answer needs no messages.

    Raises UnusableError where nothing is asked, answered or learned from.
    """
    messages = [each for each in spoken.messages if each["role"] != "system" or each["content"].strip()]
    last = _last_answer(messages)
    asked = [i for i, each in enumerate(messages[:last]) if each["role"] in ("user", "tool")]
    if not asked:
        raise UnusableError("no-question")
    messages = _leading_muted(messages, asked[0], told)
    _tell_order(messages, last, told)
    if not any(each["role"] == "assistant" and each.get("weight") != 0 for each in messages):
        raise UnusableError("nothing-trained")
    questions = [each["content"] for each in messages[:last] if each["role"] == "user"]
    is_pair = len(messages) == 2 and all(len(each) == 2 for each in messages) and not spoken.tools and questions
    return {
        "prompt": questions[-1] if questions else messages[asked[-1]]["content"],
        "completion": answer_text(messages[last]),
        "messages": "" if is_pair else orjson.dumps(messages).decode(),
        "tools": spoken.tools,
        "rejected": spoken.rejected,
    }


def answer_text(message: Message) -> str:
    """What an answer says; of a mere tool call, its JSON."""
    if message["content"] or not message.get("tool_calls"):
        return str(message["content"])
    return orjson.dumps([call["function"] for call in message["tool_calls"]]).decode()


def _last_answer(messages: list[Message]) -> int:
    answers = [i for i, each in enumerate(messages) if each["role"] == "assistant"]
    if not any(answer_text(messages[i]).strip() for i in answers):
        raise UnusableError("no-answer")
    return answers[-1]


def _leading_muted(messages: list[Message], first_asked: int, told: Told) -> list[Message]:
    """Answers before the first question get the weight 0."""
    if not any(each["role"] == "assistant" for each in messages[:first_asked]):
        return messages
    told("starts-with-answer")
    return [
        {**each, "weight": 0} if i < first_asked and each["role"] == "assistant" else each
        for i, each in enumerate(messages)
    ]


def _tell_order(messages: list[Message], last: int, told: Told) -> None:
    roles = [each["role"] for each in messages]
    if any(a == b and a in ("user", "assistant") for a, b in pairwise(roles)):
        told("same-role-twice")
    if "system" in roles[1:]:
        told("late-system")
    if last < len(messages) - 1:
        told("ends-with-question")


def _any_text(column: pa.ChunkedArray) -> bool:
    return bool(pc.max(pc.binary_length(column)).as_py())
