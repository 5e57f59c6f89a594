"""Texts made of several columns: `{question}` in a template stands for the row's cell in that column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from studio.data.table import Table
from studio.data.wording import names, quoted
from studio.errors import StudioError

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


@dataclass(frozen=True)
class Piece:
    """A part of a template: fixed text, or the name of a column."""

    text: str
    is_column: bool


def pieces(template: str, columns: Sequence[str]) -> list[Piece]:
    """The template in parts. Only names stand in braces; a doubled brace is a brace.

    Raises StudioError with all that is wrong at once: unknown names, lone braces, no name at all.
    """
    parts: list[Piece] = []
    unknown: dict[str, None] = {}
    lone: list[str] = []
    end = 0
    for found in _PIECE.finditer(template):
        parts.append(Piece(template[end : found.start()], False))
        end = found.end()
        name = found.group(1)
        if name is None:
            if len(found.group()) == 1:
                lone.append(found.group())
            parts.append(Piece(found.group()[0], False))
        elif name in columns or name.strip() in columns:
            parts.append(Piece(name if name in columns else name.strip(), True))
        else:
            unknown[name] = None
    parts.append(Piece(template[end:], False))
    _refuse(template, parts, list(unknown), lone, columns)
    return [part for part in parts if part.text]


def columns_of(template: str, columns: Sequence[str]) -> list[str]:
    """The columns that it uses, each once. Raises StudioError like `pieces`."""
    return list(dict.fromkeys(part.text for part in pieces(template, columns) if part.is_column))


def filled(template: str, table: Table) -> pa.ChunkedArray:
    """The template filled from every row, as one text column. An empty cell leaves nothing in its place.

    Raises StudioError like `pieces`.
    """
    parts: list[Any] = [
        table.texts(part.text).fill_null("") if part.is_column else pa.scalar(part.text, pa.large_string())
        for part in pieces(template, table.columns)
    ]
    joined = pc.binary_join_element_wise(*parts, pa.scalar("", pa.large_string()))
    return joined if isinstance(joined, pa.ChunkedArray) else pa.chunked_array([joined])


def _refuse(template: str, parts: list[Piece], unknown: list[str], lone: list[str], columns: Sequence[str]) -> None:
    problems = []
    shown = quoted(template)
    if unknown:
        what = "a column" if len(unknown) == 1 else "columns"
        problems.append(
            f"The template {shown} names {names(unknown)}, which the file does not have as {what}. Its columns are "
            f"{names(columns)}: write one of them, exactly as it is, in the braces. For a brace itself write two."
        )
    if lone:
        problems.append(
            f"The template {shown} has a single {quoted(lone[0])}, and it is not clear which column it belongs to. "
            "Write a column's name in braces, such as {question}, and for a brace itself write two."
        )
    if not problems and not any(part.is_column for part in parts):
        problems.append(
            f"The template {shown} names no column, so every row would read the same. Put a column's name in braces, "
            f"such as {{{columns[0] if columns else 'question'}}}. The file's columns are {names(columns)}."
        )
    if problems:
        raise StudioError(*problems)
