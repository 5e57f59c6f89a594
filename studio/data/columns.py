"""Which column is asked and which is answered, and the pairs that the two make."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from studio.data.example import Examples
from studio.data.findings import Finding, finding
from studio.data.table import Table
from studio.data.usual import COMPLETIONS, CONVERSATIONS, PREFERENCES, PROMPTS
from studio.data.wording import names, quoted, rows_named, sentence
from studio.errors import StudioError

ALPACA_PROMPT = "instruction"
ALPACA_REST = ("input", "history")
"""Columns that hold a part of what is asked, in files whose prompt column is `instruction`."""

_IGNORED = re.compile(r"[\W_]+")
_BY_HAND = "Choose the two columns by hand."


@dataclass(frozen=True)
class Mapping:
    """The prompt and the completion column, None where it has to be chosen by hand, and why."""

    prompt: str | None
    completion: str | None
    reason: str

    @property
    def complete(self) -> bool:
        """Whether both are known."""
        return self.prompt is not None and self.completion is not None


def recognise(columns: Sequence[str]) -> Mapping:
    """The mapping that these names suggest, whatever their case, spaces and underscores."""
    plain = {_plain(column): column for column in reversed(columns)}
    prompt = next((plain[name] for name in map(_plain, PROMPTS) if name in plain), None)
    completion = next((plain[name] for name in map(_plain, COMPLETIONS) if name in plain), None)
    if prompt is None or completion is None:
        conversation = next((plain[name] for name in CONVERSATIONS if name in plain), None)
        if conversation is not None:
            return Mapping(None, None, _needs_pairs(conversation))
        return Mapping(prompt, completion, _not_found(columns, prompt, completion))
    reason = f"{quoted(prompt)} is asked and {quoted(completion)} is answered, by the columns' names."
    rest = [column for column in columns if column not in (prompt, completion)]
    if rest:
        reason += f" Not used: {names(rest)}."
    parts = _parts(columns, prompt)
    if parts:
        reason += (
            f" This version does not join {names(parts)} to the prompt: rows are used where it is empty, and left out "
            "where it is not."
        )
    return Mapping(prompt, completion, reason)


def require_columns(table: Table, prompt_column: str, completion_column: str) -> None:
    """Raises StudioError where one of them is not in the table, naming all that are missing, or both are the same."""
    missing = [column for column in dict.fromkeys((prompt_column, completion_column)) if column not in table.columns]
    if missing:
        raise StudioError(
            f"{quoted(table.name)} has no column {names(missing)}. Its columns are {names(table.columns)}: choose two "
            "of them."
        )
    if prompt_column == completion_column:
        raise StudioError(
            f"Column {quoted(prompt_column)} was chosen for the prompt and for the completion, and a model that "
            f"repeats what it is asked learns nothing. Choose two of {names(table.columns)}."
        )


def examples(table: Table, prompt_column: str, completion_column: str) -> Examples:
    """An example for every row of the table. What is missing becomes an empty text.

    Raises StudioError for missing columns, the same one twice, and cells that hold lists or objects.
    """
    require_columns(table, prompt_column, completion_column)
    return Examples.of_columns(
        table.numbers, {"prompt": _texts(table, prompt_column), "completion": _texts(table, completion_column)}
    )


def unjoined(table: Table, prompt_column: str) -> list[Finding]:
    """The rows whose prompt is continued in a column that this version does not join to it."""
    found = []
    for column in _parts(table.columns, prompt_column):
        rows = [int(number) for number, row in zip(table.numbers, table.rows, strict=True) if _filled(row.get(column))]
        if rows:
            message = (
                f"{sentence(rows_named(rows))}: {quoted(column)} belongs to what is asked, and this version does not "
                f"join it to {quoted(prompt_column)}; trained without it, the answer would come out of nowhere. Left "
                "out. To use these rows, write both into one column."
            )
            found.append(finding("unjoined-input", rows, message, "warning", left_out=True))
    return found


def _parts(columns: Iterable[str], prompt_column: str) -> list[str]:
    if _plain(prompt_column) != ALPACA_PROMPT:
        return []
    return [column for column in columns if _plain(column) in ALPACA_REST]


def _filled(cell: Any) -> bool:
    return bool(cell.strip()) if isinstance(cell, str) else bool(cell)


def _texts(table: Table, column: str) -> pa.ChunkedArray:
    if column in table.nested:
        if _plain(column) in CONVERSATIONS:
            raise StudioError(_needs_pairs(column))
        places = pc.indices_nonzero(table.nested[column].is_valid()).to_numpy()
        raise StudioError(
            f"Column {quoted(column)} holds lists or objects instead of text "
            f"({rows_named(table.numbers[places].tolist())}). Choose another column, or save their text in a column "
            "of its own."
        )
    return table.texts(column).fill_null("")


def _plain(name: str) -> str:
    """Without case, accents, blanks and punctuation; `Réponse_ 1` keeps its 1."""
    return _IGNORED.sub("", unicodedata.normalize("NFKD", name.casefold()))


def _needs_pairs(column: str) -> str:
    return (
        f"This file holds conversations (ShareGPT-style, in column {quoted(column)}); this version reads "
        "prompt-completion pairs: save what is asked and what is answered in two columns, prompt and completion."
    )


def _not_found(columns: Sequence[str], prompt: str | None, completion: str | None) -> str:
    if len(columns) < 2:
        return (
            f"The only column is {names(columns)}, and a pair needs two: one with what is asked, one with what is "
            "answered. Add the other one to the file."
        )
    found = ""
    if prompt or completion:
        found = f"{quoted(prompt or completion or '')} looks like the {'prompt' if prompt else 'completion'}, but "
    what = "prompt or completion" if not (prompt or completion) else "completion" if prompt else "prompt"
    why = sentence(f"{found}none of the columns {names(columns)} has a usual name for the {what}.")
    if {_plain(column) for column in columns} & set(PREFERENCES):
        why += " The file seems to hold preferences (chosen and rejected), which this version does not train on."
    return f"{why} {_BY_HAND}"
