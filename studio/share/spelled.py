"""Values and calls as the Python text that makes them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields
from enum import Enum
from pathlib import Path
from typing import Any

SHORT = 90  # characters of a call that stays in one line
INDENT = "    "


class Code(str):
    """Text that is Python already."""


def spelled(value: Any) -> str:
    """The Python text of a value: enumerations as what they stand for, sets as sorted lists, types by their name."""
    if isinstance(value, Code):
        return value
    if isinstance(value, Enum):
        return spelled(value.value)
    if isinstance(value, Path):
        return spelled(str(value))
    if isinstance(value, str):
        written = repr(value)
        return f'"{written[1:-1]}"' if written[0] == "'" and '"' not in written and "\\'" not in written else written
    if isinstance(value, set | frozenset):
        return spelled(sorted(value))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{spelled(key)}: {spelled(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(spelled, value)) + "]"
    if isinstance(value, tuple):
        return "(" + "".join(f"{spelled(each)}, " for each in value).rstrip() + ")"
    if type(value).__module__ == "torch":
        return str(value)  # a dtype
    return repr(value)


def call(
    name: str, options: Mapping[str, Any], notes: Mapping[str, str] | None = None, inside: int = 0, first: str = ""
) -> str:
    """A call with one option a line, or in one line where that is short.

    Args:
        name: what is called.
        options: its keyword arguments.
        notes: comments, by option.
        inside: how many times the line that it stands in is indented.
        first: an argument without a name, as Python text.
    """
    notes, margin = notes or {}, INDENT * inside
    parts = [*filter(None, [first]), *(f"{key}={spelled(value)}" for key, value in options.items())]
    said = [""] * (len(parts) - len(options)) + [notes.get(key, "") for key in options]
    line = f"{name}({', '.join(parts)})"
    if len(line) + len(margin) <= SHORT and not any(said):
        return line
    lines = [f"{margin}{INDENT}{part},{f'  # {note}' if note else ''}" for part, note in zip(parts, said, strict=True)]
    return "\n".join([f"{name}(", *lines, f"{margin})"])


def differing(made: Any, usual: Any) -> dict[str, Any]:
    """The fields of a dataclass object whose values differ from those of `usual`, in the order of the class."""
    return {
        field.name: getattr(made, field.name)
        for field in fields(made)
        if field.init and getattr(made, field.name) != getattr(usual, field.name, MISSING)
    }


def needed(made: Any) -> dict[str, Any]:
    """The fewest arguments with which the class of a dataclass object makes an equal one, in the order of the class."""
    given = {each.name: getattr(made, each.name) for each in fields(made) if each.init}
    given = {each.name: given[each.name] for each in fields(made) if each.init and given[each.name] != _usual(each)}
    for name in list(given):
        fewer = {key: value for key, value in given.items() if key != name}
        try:
            if type(made)(**fewer) == made:
                given = fewer
        except (TypeError, ValueError):  # it cannot be made without
            continue
    return given


def _usual(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def import_lines(lines: Iterable[str]) -> str:
    """Import lines in order, the standard library first, the names of one module together."""
    modules: dict[str, set[str]] = {}
    for line in lines:
        words = line.split(None, 3)
        if words[0] == "from":
            modules.setdefault(words[1], set()).update(name.strip() for name in words[3].split(","))
        else:
            modules.setdefault(line, set())
    written = [f"from {each} import {', '.join(sorted(names))}" if names else each for each, names in modules.items()]
    written.sort(key=lambda line: (line.startswith("from"), line))
    own = [line for line in written if line.split()[1].partition(".")[0] in sys.stdlib_module_names]
    return "\n".join([*own, "", *(line for line in written if line not in own)])
