"""Probes: what the base knew and must not be forgotten. They are frozen into the run's folder when it is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from studio.data.dataset import prepare
from studio.data.example import Example
from studio.data.part import DataPart
from studio.errors import StudioError
from studio.home import ASSETS
from studio.recipe.models import STARTER_ID
from studio.recipe.recipe import Recipe

PROBES = "probes.jsonl"
BUNDLED = ASSETS / "probes"
OWN = "own"
MOST_OWN = 200
WRITERS = ("language-modeling", "direct-preference")
"""The tasks whose models write, and so can be asked."""


class Probe(BaseModel):
    """A question and its answer. `plain`: the prompt is the start of a text, without the chat template."""

    model_config = ConfigDict(frozen=True)
    family: str
    prompt: str
    completion: str
    plain: bool = False


def probes_for(recipe: Recipe) -> list[Probe]:
    """The probes that a run of this recipe is watched with: none where it does not look, or its model does not write.

    Raises:
        StudioError: the user's own cannot be read.
    """
    looks = recipe.looks
    if not looks.enabled or recipe.task.name not in WRITERS:
        return []
    bundled = _read(BUNDLED / f"{bundled_set(recipe.model.id)}.jsonl") if looks.bundled_probes else []
    return [*bundled, *(own_probes(looks.own_probes) if looks.own_probes else [])]


def bundled_set(model_id: str) -> str:
    """Which of the studio's sets of probes fits a base: "starter" (its own little world) or "general"."""
    return STARTER_ID if model_id.strip() == STARTER_ID else "general"


def own_probes(path: str) -> list[Probe]:
    """The user's own, read as any file of training rows is; of many, some at equal distances.

    Raises:
        StudioError: the file cannot be read, or has no pairs of prompt and completion.
    """
    try:
        rows = [row for row in prepare(DataPart(path=path, held_out_share=0)).examples if row.prompt and row.completion]
    except StudioError as error:
        raise StudioError(*(f"Your own probes: {problem}" for problem in error.problems)) from None
    if not rows:
        raise StudioError(
            f"You set looks.own_probes to {path}, but no row there has a prompt and a completion. Name a file of "
            "pairs, or leave the option empty."
        )
    return [_own(rows[place]) for place in evenly(len(rows), MOST_OWN)]


def evenly(count: int, most: int) -> list[int]:
    """At most so many places of `count`, at equal distances."""
    return [at * count // most for at in range(most)] if count > most else list(range(count))


def to_lines(probes: Iterable[Probe]) -> str:
    """The probes as JSON lines, to lie in a run's folder."""
    return "".join(probe.model_dump_json(exclude_defaults=True) + "\n" for probe in probes)


def probes_in(folder: Path) -> list[Probe]:
    """The probes that a run was made with; none where it has none or the file was damaged."""
    try:
        return _read(folder / PROBES)
    except (OSError, UnicodeDecodeError, ValidationError):
        return []


def families(probes: Iterable[Probe]) -> dict[str, int]:
    """How many probes each family has, in their order."""
    return dict(Counter(probe.family for probe in probes))


def _read(path: Path) -> list[Probe]:
    return [Probe.model_validate_json(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def _own(row: Example) -> Probe:
    return Probe(family=OWN, prompt=row.prompt, completion=row.completion)
