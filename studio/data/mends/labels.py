"""Mends of classes: two that are one, and one that is spelled in several ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from studio.data.checks.classes import class_field, spellings
from studio.data.checks.screens import Texts
from studio.data.example import Examples
from studio.data.mends.mend import MendKind, with_cells


class MergeLabels(MendKind):
    """Makes one class out of two."""

    title: ClassVar[str] = "Merge the classes"
    done: ClassVar[str] = "one class merged into another"
    kind: Literal["merge-labels"] = "merge-labels"
    merged: str
    into: str

    def apply(self, examples: Examples) -> Examples:
        return _renamed(examples, {self.merged: self.into})


class UnifyLabels(MendKind):
    """Gives classes that differ in nothing but case and spacing the spelling that most rows have."""

    title: ClassVar[str] = "Spell each class one way"
    done: ClassVar[str] = "classes spelled one way"
    kind: Literal["unify-labels"] = "unify-labels"

    def apply(self, examples: Examples) -> Examples:
        return _renamed(examples, spellings(examples))


def _renamed(examples: Examples, names: Mapping[str, str]) -> Examples:
    """With other labels, and other completions where those are the labels."""
    field = class_field(examples)
    if field is None or not names:
        return examples
    renamed = {place: names[label] for place, label in enumerate(examples.column(field).to_pylist()) if label in names}
    if field == "label":
        completions = Texts.of(examples.column("completion")).cells
        said = {place: completions[place].as_py() for place in renamed}
        answered = {place: names[text] for place, text in said.items() if text in names}
        examples = with_cells(examples, "completion", answered)
    return with_cells(examples, field, renamed)
