"""The film strip: what was asked on the way, and what was answered at each step. Read from the run's folder alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from studio.run.directory import Run
from studio.run.events import Look, that_count

ASKED = "film.json"


class Asked(BaseModel):
    """One prompt of the film strip. `reference` is the answer of the file, empty where a person pinned the prompt."""

    model_config = ConfigDict(frozen=True)
    id: str
    prompt: str
    reference: str = ""
    kind: Literal["pinned", "held-out"] = "pinned"


class Film(BaseModel):
    """The prompts, and the answers at each step by the prompts' ids; a shortened frame lacks some."""

    model_config = ConfigDict(frozen=True)
    prompts: tuple[Asked, ...] = ()
    frames: tuple[tuple[int, dict[str, str]], ...] = ()


class _Prompts(BaseModel):
    prompts: tuple[Asked, ...] = ()


def film(run: Run) -> Film:
    """The film strip of a run as far as it has come; empty where it has none."""
    looks = [event for event in that_count(run.events()[0]) if isinstance(event, Look) and event.texts]
    frames = {look.step: look.texts for look in looks}
    return Film(prompts=read_asked(run.path), frames=tuple(sorted(frames.items())))


def read_asked(folder: Path) -> tuple[Asked, ...]:
    """The prompts of a run's film strip; none where it has none or the file was damaged."""
    try:
        return _Prompts.model_validate_json((folder / ASKED).read_bytes()).prompts
    except (OSError, ValidationError):
        return ()


def write_asked(folder: Path, prompts: tuple[Asked, ...]) -> None:
    """Keep the prompts, whole at once. Raises OSError."""
    draft = folder / f".{ASKED}-{os.getpid()}"
    draft.write_text(_Prompts(prompts=prompts).model_dump_json(), "utf-8")
    draft.replace(folder / ASKED)
