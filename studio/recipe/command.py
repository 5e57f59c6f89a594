"""A recipe as the command that trains it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

from studio.recipe.presets import Preset, presets
from studio.recipe.read import changed
from studio.recipe.recipe import Recipe

START = "python -m studio train"


def command(recipe: Recipe) -> str:
    """The command line that trains `recipe`: the preset that is nearest to it, and what differs, quoted for a shell."""
    words = min((_words(preset, recipe) for preset in presets()), key=_length)
    return f"{START} {shlex.join(words)}"


def _length(words: list[str]) -> tuple[int, int]:
    return len(words), sum(len(word) for word in words)


def _words(preset: Preset, wanted: Recipe) -> list[str]:
    """What has to be said after the verb, beginning with this preset."""
    words, reached = [preset.name], preset.recipe
    names = {f"{part}.name": getattr(wanted, part).name for part in ("task", "method")}
    names = {key: name for key, name in names.items() if name != getattr(reached, key.partition(".")[0]).name}
    if names:
        words += _sets(names)
        reached = changed(reached, names)
    if (model := wanted.model.id) != reached.model.id and _plain(model):
        words += ["--model", model]
        reached = changed(reached, {"model.id": model})
    if (path := wanted.data.path) != reached.data.path and _plain(path):
        words += ["--data", path]
        emptied = dict.fromkeys(("held_out_path", "prompt_column", "completion_column"), "")
        reached = changed(reached, {"data.path": path, **{f"data.{name}": each for name, each in emptied.items()}})
    if (held_out := wanted.data.held_out_path) != reached.data.held_out_path and _plain(held_out):
        words += ["--held-out", held_out]
        reached = changed(reached, {"data.held_out_path": held_out})
    before = dict(_leaves(reached.model_dump(mode="json")))
    after = dict(_leaves(wanted.model_dump(mode="json")))
    return words + _sets({key: value for key, value in after.items() if before.get(key, _NOTHING) != value})


_NOTHING = object()


def _plain(text: str) -> bool:
    """Whether an option of its own takes it: an empty one changes nothing, and a dash begins another option."""
    return bool(text) and not text.startswith("-")


def _sets(changes: dict[str, Any]) -> list[str]:
    return [word for key, value in changes.items() for word in ("--set", f"{key}={_text(value)}")]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _leaves(tree: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every value with its dotted key; a list is one value."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
