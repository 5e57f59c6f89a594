"""Recipes to start from: every YAML file in presets/ but the catalogue of models."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from studio.errors import StudioError
from studio.home import PRESETS
from studio.recipe.models import CATALOGUE
from studio.recipe.read import read_recipe
from studio.recipe.recipe import Recipe

DEFAULT = "starter"


@dataclass(frozen=True)
class Preset:
    """A recipe with a name. `about` is the first comment of its file; the second is a command that runs it."""

    name: str
    about: str
    recipe: Recipe

    @property
    def title(self) -> str:
        return self.name.replace("-", " ").capitalize()


def presets() -> tuple[Preset, ...]:
    """All presets, the default one first. Raises StudioError for one that is no recipe."""
    files = sorted(PRESETS.glob("*.yaml"), key=lambda path: (path.stem != DEFAULT, path.stem))
    return tuple(_preset(path, path.stat().st_mtime_ns) for path in files if path != CATALOGUE)


def preset_named(name: str) -> Preset:
    """The preset of that name. Raises StudioError, with the names that exist, where there is none."""
    for preset in presets():
        if preset.name == name:
            return preset
    known = ", ".join(preset.name for preset in presets())
    raise StudioError(
        f"There is no preset {name!r:.60}. The presets are {known}; a recipe file is named with its path."
    )


@lru_cache(maxsize=64)
def _preset(path: Path, written: int) -> Preset:
    """Read once for each state of its file: the page asks at each move of a slider."""
    text = path.read_text("utf-8")
    about = text.partition("\n")[0].lstrip("# ")
    return Preset(path.stem, about, read_recipe(text))
