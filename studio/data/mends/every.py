"""What can be mended in examples. A recipe holds a list of mends; applied in order they give the same rows anywhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, get_args

from pydantic import Field, TypeAdapter

from studio.data.checks.check import CHECKED
from studio.data.checks.scan import SCANNED
from studio.data.example import Examples
from studio.data.findings import Finding
from studio.data.mends.labels import MergeLabels, UnifyLabels
from studio.data.mends.mend import MendKind, dumped, with_texts
from studio.data.mends.rows import Drop, DropFound, DropNearDuplicates, Edit
from studio.data.mends.texts import (
    FixMojibake,
    MaskPersonal,
    RemoveBoilerplate,
    RemoveControls,
    Replace,
    StripMarkup,
    TrimSpaces,
)

__all__ = ["MENDS", "Mend", "MendKind", "apply_mends", "dumped", "mend_for", "with_texts"]

Mend = Annotated[
    Drop
    | DropFound
    | DropNearDuplicates
    | Edit
    | TrimSpaces
    | FixMojibake
    | StripMarkup
    | MaskPersonal
    | RemoveControls
    | RemoveBoilerplate
    | Replace
    | MergeLabels
    | UnifyLabels,
    Field(discriminator="kind"),
]
MENDS: tuple[type[MendKind], ...] = get_args(get_args(Mend)[0])

MOST_NUMBERED = 200
"""Rows that a recipe names one by one. More of them are named by what was found, so that the recipe stays short."""


def apply_mends(examples: Examples, mends: Iterable[MendKind]) -> Examples:
    """The examples after all of them, in their order."""
    for mend in mends:
        examples = mend.apply(examples)
    return examples


def mend_for(finding: Finding) -> MendKind | None:
    """The mend that cures a finding with one click, or None where none can."""
    if not finding.mend:
        return None
    if finding.mend != "drop":
        return TypeAdapter[MendKind](Mend).validate_python({"kind": finding.mend} | finding.options)
    if len(finding.rows) > MOST_NUMBERED and finding.kind in CHECKED | SCANNED:
        return DropFound(found=finding.kind)
    return Drop(rows=tuple(finding.rows)) if finding.rows else None
