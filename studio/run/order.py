"""In which order waiting runs have their turn: by age, unless a person moved them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from studio.errors import StudioError
from studio.home import Home
from studio.run.alone import alone
from studio.run.directory import Run, Status, list_runs

FIRST = -(10**9)
LAST = 10**9
"""So many places to move that a run is the first, or the last."""


def waiting(home: Home) -> list[Run]:
    """The runs that wait, the one that begins next first."""
    return in_order(home, [run for run in list_runs(home) if run.status() is Status.WAITING])


def in_order(home: Home, runs: Sequence[Run]) -> list[Run]:
    """These runs in their order: first those that a person put in one, then the others as they come."""
    places = {name: place for place, name in enumerate(_said(home))}
    return sorted(runs, key=lambda run: places.get(run.name, len(places)))


def move(home: Home, run: Run, places: int) -> int:
    """Let a waiting run have its turn later by so many places (sooner where negative). Returns its place, 1 the next.

    Raises:
        StudioError: the run does not wait, or the home cannot be written to.
    """
    try:
        with alone(home.runs):
            runs = waiting(home)
            if run not in runs:
                raise StudioError(f"The run {run.name} is {run.status().value}. Only a run that waits can be moved.")
            place = runs.index(run)
            runs.remove(run)
            place = min(max(0, place + places), len(runs))
            runs.insert(place, run)
            _say(home, [each.name for each in runs])
    except OSError as error:
        raise StudioError(
            f"The order of the queue could not be written to {home.root} ({error.strerror}). Make it writable again; "
            "the order is as before."
        ) from error
    return place + 1


def _file(home: Home) -> Path:
    return home.root / "queue.json"


def _said(home: Home) -> list[str]:
    """The names in the file. Whoever damaged it loses the order, and nothing else."""
    try:
        names = json.loads(_file(home).read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _say(home: Home, names: list[str]) -> None:
    draft = _file(home).with_name(f".queue.json.{os.getpid()}")
    draft.write_text(json.dumps(names, indent=1), "utf-8")
    draft.replace(_file(home))
