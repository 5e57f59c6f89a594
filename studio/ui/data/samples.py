"""The bundled samples, as the page offers them."""

from __future__ import annotations

from studio.data.part import DataPart
from studio.data.source import data_file
from studio.home import ASSETS, CHECKOUT

SAMPLES = ASSETS / "samples"


def samples() -> list[str]:
    """The names of the bundled samples: each is a folder with train.* and held_out.*."""
    return sorted(folder.name for folder in SAMPLES.iterdir() if any(folder.glob("train.*")))


def sample_of(part: DataPart) -> str | None:
    """The sample that a data part names, if it names one."""
    folder = data_file(part.path).resolve().parent if part.path else None
    return folder.name if folder is not None and folder.parent == SAMPLES else None


def sample_paths(name: str) -> tuple[str, str]:
    """Where a sample's training rows and its held-out rows lie, as a recipe names them."""
    train, held_out = (next((SAMPLES / name).glob(f"{stem}.*")) for stem in ("train", "held_out"))
    return str(train.relative_to(CHECKOUT)), str(held_out.relative_to(CHECKOUT))
