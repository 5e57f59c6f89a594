"""What the sections of the data room need in tests: files, and what is known of them."""

from __future__ import annotations

import csv
from pathlib import Path

from studio.data.dataset import prepare
from studio.data.part import DataPart
from studio.ui.data.noticed import Noticed


def part_of(folder: Path, rows: list[tuple[str, ...]], header: tuple[str, ...] = ("prompt", "completion")) -> DataPart:
    """A data part over a CSV with these rows."""
    path = folder / "rows.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return DataPart(path=str(path))


def at(part: DataPart) -> Noticed:
    """All that the quick look knows of a part."""
    if not part.path:
        return Noticed()
    known = prepare(part)
    return Noticed(part, known, stamp=repr(part), findings=known.report.findings)
