"""One example that is trained on, and many of them in columns: a million cost little more than their text."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Message = dict[str, Any]
"""`role` and `content`, and for tools `tool_calls`, `tool_call_id`, `name`; `weight` 0: not learned from."""

ExampleType = Literal["prompt-completion", "language modeling", "preference"]
"""TRL's words. Conversations with several answers and plain text are language modeling."""

TEXTS = ("prompt", "completion", "messages", "tools", "rejected", "label", "group", "source")
BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Example:
    """What is asked, what is to be answered, and the number of its row in the file.

    Where more is said than one question and one answer (a system prompt, several turns, tools), `messages` holds the
    whole conversation as JSON; `prompt` is then its last question and `completion` its last answer. Plain text has an
    empty prompt and no messages. `rejected` is the worse answer of a preference.
    """

    row: int
    prompt: str
    completion: str
    messages: str = ""
    tools: str = ""
    rejected: str = ""
    label: str = ""
    group: str = ""
    source: str = ""
    """The set it came from where several are mixed, or how it was made; empty for a row of the main file."""

    @property
    def conversation(self) -> list[Message]:
        """All that is said, in OpenAI's message form; empty for plain text."""
        if self.messages:
            return list(json.loads(self.messages))
        if not self.prompt:
            return []
        return [{"role": "user", "content": self.prompt}, {"role": "assistant", "content": self.completion}]

    @property
    def asked(self) -> list[Message]:
        """The conversation up to its last answer: what a model is asked when this row is scored."""
        spoken = self.conversation
        while spoken and spoken[-1]["role"] != "assistant":
            spoken.pop()
        return spoken[:-1]

    @property
    def same_prompt(self) -> str:
        """What two prompts share that differ in nothing but case and spacing; of plain text, the text itself."""
        return plain(asked_text(self.prompt, self.completion, self.messages))

    def to_json(self) -> dict[str, Any]:
        """Its fields without the empty optional ones; `Example(**fields)` is equal again."""
        fields = {"row": self.row, "prompt": self.prompt, "completion": self.completion}
        return fields | {name: getattr(self, name) for name in TEXTS[2:] if getattr(self, name)}


def plain(text: str) -> str:
    """The text without case and with single spaces."""
    return " ".join(text.casefold().split())


def asked_text(prompt: str, completion: str, messages: str) -> str:
    """All that is said before the last answer as one text; of plain text, the text."""
    if messages:
        spoken = json.loads(messages)
        while spoken and spoken[-1]["role"] != "assistant":
            spoken.pop()
        return "\n".join(str(message.get("content") or "") for message in spoken[:-1]) or prompt
    return prompt or completion


@dataclass(frozen=True, eq=False)
class Examples(Sequence[Example]):
    """Examples in columns. Reads like a sequence; `take`, `without` and `replaced` give new ones over the same text.

    `table` has a column `row` (int64) and those of TEXTS that any example fills (large_string, without nulls);
    `order` holds the places in it that count, in their order, or is None where all do.
    """

    table: pa.Table
    type: ExampleType = "prompt-completion"
    order: np.ndarray | None = None

    @classmethod
    def of(cls, examples: Iterable[Example], type: ExampleType = "prompt-completion") -> Examples:
        """From single examples."""
        every = list(examples)
        columns: dict[str, Any] = {"row": pa.array([each.row for each in every], pa.int64())}
        for name in TEXTS:
            texts = [getattr(each, name) for each in every]
            if name in TEXTS[:2] or any(texts):
                columns[name] = pa.array(texts, pa.large_string())
        return cls(pa.table(columns), type)

    @classmethod
    def of_columns(
        cls, rows: np.ndarray | Sequence[int], texts: Mapping[str, Any], type: ExampleType = "prompt-completion"
    ) -> Examples:
        """From whole columns: `rows` are the source row numbers, `texts` Arrow arrays or lists by a name of TEXTS."""
        columns: dict[str, Any] = {"row": pa.array(rows, pa.int64())}
        for name, cells in texts.items():
            columns[name] = cells if isinstance(cells, pa.ChunkedArray) else pa.array(cells, pa.large_string())
        return cls(pa.table(columns), type)

    def __len__(self) -> int:
        return self.table.num_rows if self.order is None else len(self.order)

    @overload
    def __getitem__(self, place: int) -> Example: ...
    @overload
    def __getitem__(self, place: slice) -> Examples: ...
    def __getitem__(self, place: int | slice) -> Example | Examples:
        if isinstance(place, slice):
            return self.take(np.arange(len(self))[place])
        return next(iter(self.take(np.array([range(len(self))[place]]))))

    def __iter__(self) -> Iterator[Example]:
        names = [name for name in ("row", *TEXTS) if name in self.table.column_names]
        for batch in self.batches(*names):
            for cells in zip(*batch, strict=True):
                yield Example(**dict(zip(names, cells, strict=True)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def __hash__(self) -> int:
        return id(self)

    @cached_property
    def rows(self) -> np.ndarray:
        """The source row numbers, int64."""
        return self.column("row").to_numpy()

    def has(self, name: str) -> bool:
        """Whether any example may fill that field."""
        return name in self.table.column_names

    def column(self, name: str) -> pa.ChunkedArray:
        """One field of every example, as Arrow; empty texts where none fills it."""
        if name not in self.table.column_names:
            return pa.chunked_array([pa.array([""] * len(self), pa.large_string())])
        column = self.table[name]
        return column if self.order is None else column.take(self.order)

    def batches(self, *names: str, size: int = BATCH) -> Iterator[tuple[list[Any], ...]]:
        """Those fields as Python lists, `size` examples at a time."""
        present = [name for name in names if name in self.table.column_names]
        for start in range(0, len(self), size):
            if self.order is None:
                part = self.table.select(present).slice(start, size)
            else:
                part = self.table.select(present).take(self.order[start : start + size])
            lists = {name: part[name].to_pylist() for name in present}
            yield tuple(lists.get(name) or [""] * part.num_rows for name in names)

    def take(self, places: np.ndarray | Sequence[int]) -> Examples:
        """The examples at these places (not row numbers), in that order."""
        chosen = np.asarray(places, dtype=np.int64)
        return Examples(self.table, self.type, chosen if self.order is None else self.order[chosen])

    def without(self, rows: Collection[int]) -> Examples:
        """The examples whose source row is not among `rows`."""
        if not len(rows):
            return self
        return self.take(np.flatnonzero(~np.isin(self.rows, np.fromiter(rows, np.int64, len(rows)))))

    def of_main_file(self) -> Examples:
        """Those of the main file: a set that is mixed in has row numbers of its own."""
        if not self.has("source"):
            return self
        return self.take(np.flatnonzero(pc.equal(self.column("source"), "").to_numpy()))

    def replaced(self, **texts: Any) -> Examples:
        """The same examples with other texts in some fields: Arrow arrays or lists, one text an example."""
        table = self.table if self.order is None else self.table.take(self.order)
        for name, cells in texts.items():
            column = cells if isinstance(cells, pa.ChunkedArray) else pa.array(cells, pa.large_string())
            place = table.column_names.index(name) if name in table.column_names else -1
            table = table.append_column(name, column) if place < 0 else table.set_column(place, name, column)
        return Examples(table, self.type)

    def joined(self, others: Iterable[Examples]) -> Examples:
        """These examples and then the others, each in its order."""
        tables = [each.table if each.order is None else each.table.take(each.order) for each in (self, *others)]
        table = pa.concat_tables(tables, promote_options="default")
        for place, name in enumerate(table.column_names):
            if table[name].null_count:
                table = table.set_column(place, name, table[name].fill_null(""))
        return Examples(table, self.type)
