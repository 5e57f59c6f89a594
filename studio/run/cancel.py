"""What cancelling throws away. Recipe, rows, events and log stay, the loss of each row too,
so that a person sees what was and can ask again."""

from __future__ import annotations

import shutil
from pathlib import Path

from studio.run.directory import Run

RESULTS = ("adapter", "model")
UNFINISHED = (".partial", ".old")
GONE = ".gone-"  # begins the name of what is being removed


def throw_away(run: Run) -> None:
    """Remove all checkpoints and the result, whole or not. What is gone already is no mistake."""
    for path in _made(run):
        shutil.rmtree(path, ignore_errors=True)


def left_over(run: Run) -> bool:
    """Whether there is anything to throw away."""
    return any(path.exists() for path in _made(run))


def _made(run: Run) -> list[Path]:
    results = [run.path / f"{name}{end}" for name in RESULTS for end in ("", *UNFINISHED)]
    return [run.path / "checkpoints", *results, *run.path.glob(f"{GONE}*")]
