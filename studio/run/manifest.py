"""What says that a checkpoint is whole, and of which run: the digests of its files, written last."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from studio.run.directory import Run

NAME = "manifest.json"
OF_RUN = ("recipe.yaml", "data/train.jsonl", "data/held_out.jsonl")


class Manifest(BaseModel):
    """SHA-256 of each file of a checkpoint, and of what its run was begun from, by path."""

    model_config = ConfigDict(frozen=True)
    files: dict[str, str]
    run: dict[str, str]


def seal(folder: Path, run: Run) -> None:
    """Write the manifest of a checkpoint whose files are all written. Raises OSError."""
    files = {str(path.relative_to(folder)): _digest(path) for path in _files(folder)}
    manifest = Manifest(files=files, run=_of_run(run))
    draft = folder / f".{NAME}"
    with draft.open("w", encoding="utf-8") as file:
        file.write(manifest.model_dump_json(indent=1))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / NAME)


def flaw(folder: Path, run: Run) -> str:
    """What is wrong with a checkpoint, in words; empty where it is whole and belongs to this run as it is now."""
    try:
        manifest = Manifest.model_validate_json((folder / NAME).read_bytes())
    except (OSError, ValidationError, json.JSONDecodeError):
        return f"{NAME} is missing or damaged"
    for name, digest in manifest.files.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if _digest(path) != digest:
            return f"{name} is damaged"
    now = _of_run(run)
    changed = [name for name in OF_RUN if manifest.run.get(name) != now.get(name)]
    return f"{' and '.join(changed)} changed since it was saved" if changed else ""


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in {NAME, f".{NAME}"})


def _of_run(run: Run) -> dict[str, str]:
    return {name: _digest(run.path / name) for name in OF_RUN if (run.path / name).is_file()}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
