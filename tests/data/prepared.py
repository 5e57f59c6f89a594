"""Preparing a file in tests, with what its data part says given by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studio.data.dataset import Prepared, prepare
from studio.data.part import DataPart


def prepare_file(path: Path | str, prompt: str = "", completion: str = "", **more: Any) -> Prepared:
    """`prepare` of a data part with this path and these columns."""
    more = {name: str(value) if isinstance(value, Path) else value for name, value in more.items()}
    part = {"split_seed": 0} | more
    return prepare(DataPart(path=str(path), prompt_column=prompt or "", completion_column=completion or "", **part))
