"""A table as the recognising of shapes looks at it: its columns by plain names, and what their cells are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from studio.data.shapes.contents import holds
from studio.data.shapes.conversations import looks_like_messages
from studio.data.shapes.mapping import Role, plain_name
from studio.data.shapes.usual import SYSTEMS, TOOLS
from studio.data.table import Table
from studio.data.wording import names, quoted

Columns = dict[Role, str]


@dataclass(frozen=True, eq=False)
class Seen:
    """A table with its columns by their plain names; those in `taken` were chosen for something else."""

    table: Table
    taken: frozenset[str] = frozenset()

    @cached_property
    def plain(self) -> dict[str, str]:
        """{plain name: column}, the first column where two names are alike."""
        return {plain_name(name): name for name in reversed(self.table.columns) if name not in self.taken}

    def first(self, usual: Iterable[str]) -> str | None:
        """The column that has the earliest of these names."""
        return next((self.plain[name] for name in map(plain_name, usual) if name in self.plain), None)

    def holds(self, column: str, test: Callable[[Any], bool]) -> bool:
        """Whether most of its first cells pass the test."""
        return holds(self.table, column, test)

    def is_messages(self, column: str | None) -> bool:
        """Whether it holds lists of messages."""
        return column is not None and self.holds(column, looks_like_messages)

    def is_text(self, column: str | None) -> bool:
        """Whether it holds more texts than lists or objects. JSON written as text is text: a model can learn to
        answer in it."""
        nested = self.table.nested.get(column) if column is not None else None
        if column is None or nested is None:
            return column is not None
        return nested.null_count > self.table.texts(column).null_count

    def unused(self, columns: Columns) -> str:
        """A sentence on the columns that play no part; empty where all do."""
        rest = [name for name in self.table.columns if name not in columns.values()]
        return f" Not used: {names(rest)}." if rest else ""

    def with_extras(self, columns: Columns) -> str:
        """Adds the system prompt's and the tools' column; a sentence on what was added."""
        said = ""
        for role, usual, what in (("system", SYSTEMS, "is the system prompt"), ("tools", TOOLS, "are the tools")):
            column = self.first(usual)
            if column is not None and column not in columns.values():
                columns[role] = column  # type: ignore[index]
                said += f" {quoted(column)} {what}, where it is filled."
        return said
