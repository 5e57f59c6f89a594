"""Deleting a run: gone at once under a hidden name, then removed; what a crash left over is swept at the next start."""

from __future__ import annotations

import os
import shutil

import psutil

from studio.errors import StudioError
from studio.home import Home
from studio.run.alone import alone
from studio.run.directory import NEW, Run
from studio.run.history.summary import bytes_in

DELETED = ".deleted-"


def delete(home: Home, run: Run) -> int:
    """Remove the run's folder for good and return the bytes that this frees.

    Raises:
        StudioError: it is waiting or being trained, or the disk does not let go of it.
    """
    hidden = home.runs / f"{DELETED}{run.name[:200]}-{os.urandom(4).hex()}"
    try:
        with alone(run.path):  # nobody resumes it meanwhile
            if not run.status().over:
                raise StudioError(
                    f"The run {run.name} is {run.status().value}, so it is not deleted. Stop or cancel it first; when "
                    "it has ended it can be deleted."
                )
            freed = bytes_in(run.path)
            run.path.rename(hidden)
    except OSError as error:
        raise StudioError(f"The run {run.name} could not be deleted ({error.strerror}).") from error
    shutil.rmtree(hidden, ignore_errors=True)
    return freed


def sweep(home: Home) -> None:
    """Remove what was left half removed or half made by a process that is gone."""
    for folder in home.runs.iterdir():
        if folder.name.startswith(DELETED) or (folder.name.startswith(NEW) and not _maker_lives(folder.name)):
            shutil.rmtree(folder, ignore_errors=True)


def _maker_lives(name: str) -> bool:
    """Whether the process that a draft `.new-PID-…` is named after still runs."""
    number = name.removeprefix(NEW).partition("-")[0]
    return not number.isdigit() or psutil.pid_exists(int(number))
