"""In what the recipes of several runs differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from studio.recipe.recipe import Recipe

ABSENT = None  # an option that a recipe's method or task does not have


@dataclass(frozen=True)
class Difference:
    """An option that not all recipes have alike: its dotted key, its name on the page, and each recipe's value."""

    key: str
    label: str
    values: tuple[Any, ...]


def differences(recipes: Sequence[Recipe]) -> list[Difference]:
    """The options in which the recipes differ, in the recipe's order. What only one has is `ABSENT` in the other."""
    options = [dict(_options(recipe)) for recipe in recipes]
    keys = dict.fromkeys(key for each in options for key in each)
    found = []
    for key in sorted(keys, key=_part):
        label = next(each[key][0] for each in options if key in each)
        values = tuple(each[key][1] if key in each else ABSENT for each in options)
        if any(value != values[0] for value in values):
            found.append(Difference(key, label, values))
    return found


def _part(key: str) -> int:
    """Options of one part stay together, in the order in which they come."""
    return list(Recipe.model_fields).index(key.partition(".")[0])


def _options(part: BaseModel, prefix: str = "") -> Iterator[tuple[str, tuple[str, Any]]]:
    """Every option with its dotted key, its label and its value as JSON has it."""
    for name, field in type(part).model_fields.items():
        value, key = getattr(part, name), f"{prefix}{name}"
        if isinstance(value, BaseModel):
            yield from _options(value, f"{key}.")
        elif name == "name":
            yield key, (prefix.rstrip(".").capitalize(), value)
        else:
            yield key, (field.title or name.replace("_", " ").capitalize(), part.model_dump(mode="json")[name])
