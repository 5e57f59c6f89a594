"""Which column plays which part, by hand or recognised, and the examples that the rows make."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from studio.data.example import Example, Examples
from studio.data.findings import Finding
from studio.data.part import DataPart
from studio.data.shapes import said
from studio.data.shapes.choice import by_hand, require
from studio.data.shapes.mapping import Format, Mapping, Role
from studio.data.shapes.recognise import recognised
from studio.data.shapes.spoken import Gathered, Said, gather
from studio.data.shapes.templates import filled
from studio.data.shapes.troubles import Troubles
from studio.data.table import Table
from studio.data.wording import quoted
from studio.errors import StudioError

__all__ = ["Mapping", "Role", "examples", "live_example", "resolve"]

_TALK: tuple[Role, ...] = ("messages", "history", "answers", "instances", "paragraphs", "system", "tools")
"""Roles whose rows are more than two texts."""


def resolve(table: Table, part: DataPart) -> Mapping:
    """What was chosen by hand, and what is recognised of the rest.

    Raises StudioError with all that is wrong with the choices, or with what the file needs.
    """
    mapping = by_hand(table, part) or recognised(table)
    if "text" in mapping.columns:
        return _with_roles(mapping, label=part.mapped.label_column, group=part.mapped.group_column)
    chosen = part.mapped
    mapping = _with_roles(
        mapping, system=chosen.system_column, label=chosen.label_column, group=chosen.group_column
    )  # fmt: skip
    format: Format = "conversational" if chosen.system_column or chosen.system_prompt else mapping.format
    return replace(mapping, format=format)


def examples(table: Table, mapping: Mapping, part: DataPart) -> tuple[Examples, list[Finding]]:
    """The examples of every row, and what was found on the way. Rows that nothing can be learned from are left out.

    What is missing becomes an empty text. The table's own findings are not repeated.

    Raises StudioError for columns that the table lacks and for templates that do not fit it.
    """
    require(table, list(mapping.columns.values()))
    troubles = Troubles()
    table = _without_unwanted(table, mapping, troubles)
    if _is_plain(mapping, part):
        table = _without_nested(table, mapping, troubles)
        return _with_classes(_in_columns(table, mapping, part), table, mapping), troubles.findings()
    gathered = gather(table, _sources(table, mapping, part), _said(mapping, part))
    gathered.troubles.rows = troubles.rows | gathered.troubles.rows
    gathered.troubles.details = troubles.details | gathered.troubles.details
    found = gathered.examples(_numbers(table, mapping, gathered), mapping.type)
    return _with_classes(found, table, mapping, gathered.source), gathered.troubles.findings()


def live_example(table: Table, mapping: Mapping, part: DataPart, row: int) -> Example:
    """The first example that row number `row` makes.

    Raises StudioError where it makes none, with the reason, and like `examples`.
    """
    place = np.flatnonzero(table.numbers == row)
    if not len(place):
        raise StudioError(f"{quoted(table.name)} has no row {row:,}. Choose one between 1 and {table.total:,}.")
    made, found = examples(_chosen_rows(table, np.arange(len(table)) == place[0]), mapping, part)
    if not len(made):
        raise StudioError(*(each.message for each in found if each.left_out))
    return made[0]


def _with_roles(mapping: Mapping, **columns: str) -> Mapping:
    return replace(mapping, columns=mapping.columns | {role: column for role, column in columns.items() if column})  # type: ignore[arg-type]


def _is_plain(mapping: Mapping, part: DataPart) -> bool:
    """Whether every row is but texts, so that the columns become examples as they are."""
    if "text" in mapping.columns:
        return True
    return mapping.format == "standard" and not part.mapped.system_prompt and not set(_TALK) & set(mapping.columns)


def _in_columns(table: Table, mapping: Mapping, part: DataPart) -> Examples:
    """Texts as they are: nothing is copied but what is joined."""
    columns = mapping.columns
    if "text" in columns:
        texts = {"prompt": _same("", len(table)), "completion": table.texts(columns["text"]).fill_null("")}
        if table.format == "text":  # its rows are the paragraphs of one document
            texts["group"] = _same(table.name, len(table))
    elif mapping.type == "preference":
        texts = {
            "prompt": _prompts(table, mapping, part),
            "completion": table.texts(columns["chosen"]).fill_null(""),
            "rejected": table.texts(columns["rejected"]).fill_null(""),
        }
    else:
        texts = {"prompt": _prompts(table, mapping, part), "completion": _completions(table, mapping, part)}
    return Examples.of_columns(table.numbers, texts, mapping.type)


def _same(text: str, rows: int) -> pa.ChunkedArray:
    return pa.chunked_array([pa.repeat(pa.scalar(text, pa.large_string()), rows)])


def _prompts(table: Table, mapping: Mapping, part: DataPart) -> pa.ChunkedArray:
    if part.mapped.prompt_template:
        return filled(part.mapped.prompt_template, table)
    prompts = table.texts(mapping.columns["prompt"]).fill_null("")
    if "input" not in mapping.columns:
        return prompts
    rest = table.texts(mapping.columns["input"]).fill_null("")
    joined = pc.binary_join_element_wise(prompts, rest, pa.scalar("\n\n", pa.large_string()))
    return pc.if_else(pc.equal(pc.utf8_trim_whitespace(rest), ""), prompts, joined)


def _completions(table: Table, mapping: Mapping, part: DataPart) -> pa.ChunkedArray:
    if part.mapped.completion_template:
        return filled(part.mapped.completion_template, table)
    return table.texts(mapping.columns["completion"]).fill_null("")


def _sources(table: Table, mapping: Mapping, part: DataPart) -> dict[str, str | pa.ChunkedArray]:
    """By role, the column that rows are read from; texts where they are joined or filled first."""
    roles = ("prompt", "completion", "chosen", "rejected", *_TALK)
    sources: dict[str, str | pa.ChunkedArray] = {
        role: column for role, column in mapping.columns.items() if role in roles
    }
    if part.mapped.prompt_template or "input" in mapping.columns:
        sources["prompt"] = _prompts(table, mapping, part)
    if part.mapped.completion_template:
        sources["completion"] = _completions(table, mapping, part)
    return sources


def _said(mapping: Mapping, part: DataPart) -> Said:
    system = part.mapped.system_prompt
    if "messages" in mapping.columns:
        return said.conversation(system)
    if mapping.type == "preference":
        return said.preference(system)
    if "instances" in mapping.columns:
        return said.instances(system)
    return said.paragraphs(system) if "paragraphs" in mapping.columns else said.pair(system)


def _numbers(table: Table, mapping: Mapping, gathered: Gathered) -> np.ndarray:
    """The examples' row numbers. Where rows make several examples, these are counted instead of the rows.

    They are counted on from the file's last row if some rows are left out: those numbers are taken.
    """
    places = gathered.source
    if len(np.unique(places)) == len(places) and "paragraphs" not in mapping.columns:
        return table.numbers[places]
    gone = gathered.troubles.left_out or any(each.left_out for each in table.findings)
    taken = table.total if gone else 0
    return np.arange(taken + 1, taken + 1 + len(places))


def _with_classes(found: Examples, table: Table, mapping: Mapping, places: np.ndarray | None = None) -> Examples:
    """The examples with their label and group, texts of the row they came from."""
    roles: tuple[Role, ...] = ("label", "group")
    for role in roles:
        if role in mapping.columns:
            texts = table.texts(mapping.columns[role]).fill_null("")
            found = found.replaced(**{role: texts if places is None else texts.take(pa.array(places))})
    return found


def _without_unwanted(table: Table, mapping: Mapping, troubles: Troubles) -> Table:
    if "liked" not in mapping.columns:
        return table
    liked = pc.utf8_lower(table.texts(mapping.columns["liked"]).fill_null("false"))
    return _less(table, pc.equal(liked, "false"), troubles, "not-liked")


def _without_nested(table: Table, mapping: Mapping, troubles: Troubles) -> Table:
    for role, column in mapping.columns.items():
        if column in table.nested and role not in ("label", "group", "liked"):
            table = _less(table, table.nested[column].is_valid(), troubles, "nested-cell", quoted(column))
    return table


def _less(table: Table, unwanted: pa.ChunkedArray, troubles: Troubles, kind: str, detail: str = "") -> Table:
    mask = unwanted.to_numpy()
    for row in table.numbers[mask].tolist():
        troubles.add(kind, row, detail)
    return _chosen_rows(table, ~mask) if mask.any() else table


def _chosen_rows(table: Table, keep: np.ndarray) -> Table:
    mask = pa.array(keep)
    return replace(
        table,
        cells=table.cells.filter(mask),
        numbers=table.numbers[keep],
        nested={name: texts.filter(mask) for name, texts in table.nested.items()},
    )
