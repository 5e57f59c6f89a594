"""What says that a checkpoint or a result is whole, and of which run: the digests of its files, written last."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

if TYPE_CHECKING:
    from studio.run.directory import Run

NAME = "manifest.json"
RECIPE = "recipe.yaml"
OF_RUN = (RECIPE, "data/train.jsonl", "data/held_out.jsonl")


class Manifest(BaseModel):
    """SHA-256 of each file of a folder, and of what its run was begun from, by path; and the files' bytes."""

    model_config = ConfigDict(frozen=True)
    files: dict[str, str]
    run: dict[str, str] = {}
    sizes: dict[str, int] = {}


def of_run(run: Run) -> dict[str, str]:
    """The digests of what a run was begun from."""
    return {name: _digest(run.path / name) for name in OF_RUN if (run.path / name).is_file()}


def seal(folder: Path, run: Run, begun_from: dict[str, str] | None = None) -> None:
    """Write the manifest of a folder whose files are all written, once they are all on the disk.

    `begun_from` is what `of_run` gave, where it is known already. Raises OSError.
    """
    files = {str(path.relative_to(folder)): _digest(path, sync=True) for path in _files(folder)}
    sizes = {name: (folder / name).stat().st_size for name in files}
    manifest = Manifest(files=files, run=of_run(run) if begun_from is None else begun_from, sizes=sizes)
    draft = folder / f".{NAME}"
    with draft.open("w", encoding="utf-8") as file:
        file.write(manifest.model_dump_json(indent=1))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / NAME)
    sync(folder)


def sync(folder: Path) -> None:
    """Have the names in a folder on the disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def damage(folder: Path) -> str:
    """Which file of a sealed folder is not as it was sealed, in words; empty where all are."""
    manifest = _read(folder)
    if manifest is None:
        return f"{NAME} is missing or damaged"
    for name, digest in manifest.files.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if _digest(path) != digest:
            return f"{name} is damaged"
    return ""


def changes(folder: Path, run: Run) -> list[str]:
    """The files that the run was begun from and that are otherwise now than when its checkpoint was saved."""
    manifest, now = _read(folder), of_run(run)
    return [name for name in OF_RUN if manifest is not None and manifest.run.get(name) != now.get(name)]


def flaw(folder: Path, run: Run) -> str:
    """What is wrong with a checkpoint, in words; empty where it is whole and belongs to this run as it is now."""
    if words := damage(folder):
        return words
    changed = changes(folder, run)
    return f"{' and '.join(changed)} changed since it was saved" if changed else ""


def torn(folder: Path) -> bool:
    """Whether a file of a sealed folder is missing or of another size: a quick look that reads none of them."""
    if not (folder / NAME).is_file():
        return False  # made by hand or by an earlier studio
    manifest = _read(folder)
    return manifest is None or any(_size(folder / name) != size for name, size in manifest.sizes.items())


def _read(folder: Path) -> Manifest | None:
    try:
        return Manifest.model_validate_json((folder / NAME).read_bytes())
    except (OSError, ValidationError):
        return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in {NAME, f".{NAME}"})


def _digest(path: Path, sync: bool = False) -> str:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        if sync:
            os.fsync(file.fileno())
    return digest
