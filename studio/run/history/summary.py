"""One run in a line: what it was made of, how it went, what it takes. Pure reading; a damaged run has a line too."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.data.hub.words import is_hub_id
from studio.errors import StudioError
from studio.recipe.recipe import Recipe
from studio.run.directory import Run, Status
from studio.run.history.notes import Notes, read_notes
from studio.run.history.origin import Origin, origin_of, run_of_base
from studio.run.history.record import Record

LARGEST_EVALUATION = 20_000_000  # bytes of its result


@dataclass(frozen=True)
class Scored:
    """The main figure of an evaluation of held-out rows: of base and tuned model, over `rows` rows."""

    metric: str
    base: float
    tuned: float
    rows: int


@dataclass(frozen=True)
class Summary:
    """What a table of runs says of one. `bytes` is what its folder takes, `began` in seconds since the epoch.

    `wrong` says in words what of the run cannot be read.
    """

    run: str
    notes: Notes
    status: Status
    base: str = "?"
    method: str = "?"
    task: str = "?"
    data: str = "?"
    rows: int = 0
    step: int = 0
    steps: int = 0
    best: float | None = None
    best_step: int = 0
    loss: tuple[float, ...] = ()
    scored: Scored | None = None
    bytes: int = 0
    seconds: float = 0.0
    began: float = 0.0
    result: str = ""
    checkpoints: int = 0
    origin: Origin | None = None
    wrong: str = ""


def summary_of(run: Run, record: Record, status: Status) -> Summary:
    """The summary of a run whose events are in `record`. Raises OSError where its folder is gone."""
    best = record.best
    known: dict[str, Any] = {
        "step": record.step,
        "steps": record.steps,
        "best": best[1] if best else None,
        "best_step": best[0] if best else 0,
        "loss": tuple(float(f"{value:.4g}") for _, value in record.loss.points),
        "seconds": round(record.seconds, 1),
        "began": record.began or (run.path / "recipe.yaml").stat().st_mtime,
        "scored": _scored(run.path / "evaluations"),
        "bytes": bytes_in(run.path),
        "result": run.result.name if run.result else "",
        "checkpoints": len(run.checkpoints()),
    }
    return Summary(run.name, read_notes(run), status, **known, **_asked(run))


def bytes_in(folder: Path) -> int:
    """What the files under `folder` take, links not followed."""
    return sum(_sizes(folder))


def _sizes(folder: Path) -> Iterator[int]:
    with suppress(OSError), os.scandir(folder) as entries:  # what is removed meanwhile takes nothing
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _sizes(Path(entry.path))
            else:
                yield entry.stat(follow_symlinks=False).st_size


def _asked(run: Run) -> dict[str, Any]:
    """What the recipe and the notes on the rows say."""
    try:
        recipe = run.recipe
    except StudioError as error:
        return {"wrong": str(error)} | _rows(run)
    return {
        "base": base_name(run, recipe),
        "method": recipe.method.title,
        "task": recipe.task.title,
        "origin": origin_of(run, recipe),
    } | _rows(run)


def base_name(run: Run, recipe: Recipe) -> str:
    """What the base is called in a list: an id, the run that it came from, or the last part of a folder's path."""
    base = recipe.model.id
    if source := run_of_base(run.path.parent, base):
        return f"result of {source}"
    return base if is_hub_id(base) else Path(base).name or base


def _rows(run: Run) -> dict[str, Any]:
    try:
        source = run.source()
        return {"data": str(source.get("name") or "?"), "rows": int(source.get("train_rows") or 0)}
    except (OSError, ValueError, TypeError):
        return {}


def _scored(folder: Path) -> Scored | None:
    """Of the newest evaluation that judged the tuned model: its main metric, or else the first that is a share."""
    found = [path for path in folder.glob("*/result.json") if not path.parent.name.startswith(".")]
    for path in sorted(found, key=_written, reverse=True):
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration):
            return _scored_in(path)
    return None


def _scored_in(path: Path) -> Scored:
    """Raises what a damaged file brings, and StopIteration where there is no such figure."""
    if path.stat().st_size > LARGEST_EVALUATION:
        raise ValueError("too large")
    scores = json.loads(path.read_bytes())["scores"]
    shares = [metric for metric in scores["metrics"] if metric["unit"] == "share" and "tuned" in metric["figures"]]
    metric = next(iter(sorted(shares, key=lambda each: each["name"] != scores["main"])))
    base, tuned = (float(metric["figures"][who]["value"]) for who in ("base", "tuned"))
    if not math.isfinite(base + tuned):
        raise ValueError("not a number")
    return Scored(str(metric["title"]), base, tuned, int(scores["n"]))


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
