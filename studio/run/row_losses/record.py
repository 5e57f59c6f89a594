"""What is kept of each row at each step: records of a fixed width, appended to one file a process.

`row_losses-RANK.records` in the run's folder holds nothing but these records, in the order of the steps, numbers with
their lowest byte first. A torn one at the end does not count.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np

RECORD = np.dtype([("step", "<i4"), ("place", "<i4"), ("tokens", "<i4"), ("loss", "<f4")])
"""The step that learned from the row; the row's place in data/train.jsonl, from 0; how many tokens of it count; the
mean of their losses in nats, as it was before the step, dropout included, smoothing left out.

A place, and not a row number, because in a mix the numbers of several sets meet.
"""

AT_ONCE = 1_000_000  # records that are in memory together where many are looked through


def path_of(run: Path, rank: int = 0) -> Path:
    """The file of one process in the folder of a run."""
    return run / f"row_losses-{rank}.records"


def paths_of(run: Path) -> list[Path]:
    """The files that are there, by process."""
    found = [path for path in run.glob("row_losses-*.records") if rank_of(path) >= 0]
    return sorted(found, key=rank_of)


def rank_of(path: Path) -> int:
    """Of which process a file is; -1 where its name does not say."""
    number = path.stem.rpartition("-")[2]
    return int(number) if number.isascii() and number.isdecimal() else -1


def records(path: Path) -> np.ndarray:
    """The whole records of a file, mapped from the disk; none where there is no file."""
    count = path.stat().st_size // RECORD.itemsize if path.is_file() else 0
    return np.memmap(path, RECORD, "r", shape=(count,)) if count else np.empty(0, RECORD)


def append(path: Path, some: np.ndarray) -> None:
    """Write records behind those that are there, in one write. Raises OSError, and then none of them is there."""
    with path.open("ab", buffering=0) as file:
        end = file.seek(0, 2)
        try:
            if file.write(some.tobytes()) < some.nbytes:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            file.truncate(end)
            raise


def cut_after(path: Path, step: int) -> None:
    """Take back the records of later steps, and a torn one. Raises OSError."""
    if path.is_file():
        kept = int(np.searchsorted(records(path)["step"], step, "right"))
        with path.open("r+b") as file:
            file.truncate(kept * RECORD.itemsize)


def copy_until(run: Path, to: Path, step: int) -> None:
    """Copy the records of the steps up to this one into another folder. Raises OSError."""
    for path in paths_of(run):
        every = records(path)
        kept = int(np.searchsorted(every["step"], step, "right"))
        with (to / path.name).open("wb") as file:
            for start in range(0, kept, AT_ONCE):
                file.write(every[start : min(kept, start + AT_ONCE)].tobytes())
