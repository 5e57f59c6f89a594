"""The runs that can answer, as the room offers them: read once, and again only where a run has changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from studio.answer.mix import why_not_mixed
from studio.answer.strength import dial_of
from studio.errors import StudioError
from studio.run.directory import Run, Status
from studio.run.history.summary import base_name
from studio.ui.results import has_result
from studio.ui.routes import Json

Seen = Sequence[tuple[Run, Status]]
Stamp = tuple[int, ...]


class Answering:
    """The runs that have a result, newest first. For any number of threads."""

    def __init__(self, seen: Callable[[], Seen]) -> None:
        self._seen = seen
        self._known: dict[Run, tuple[Stamp, Json]] = {}
        self._guard = threading.Lock()

    def look(self) -> list[Json]:
        """One line a run, as GET /studio/compare/voices tells it. A run whose recipe is damaged is left out."""
        with self._guard:
            known, self._known = self._known, {}
            lines = []
            for run, status in self._seen():
                if not has_result(run, status):
                    continue
                stamp = tuple(
                    _stamp(path)
                    for path in (run.path / "recipe.yaml", run.path / "checkpoints", run.adapter, run.model)
                )
                before = known.get(run)
                line = before[1] if before and before[0] == stamp else _line(run)
                if line is not None:
                    self._known[run] = stamp, line
                    lines.append(line | {"status": str(status)})
            return lines


def _line(run: Run) -> Json | None:
    try:
        recipe, counts = run.recipe, run.source()
    except (StudioError, OSError, ValueError):
        return None
    return {
        "name": run.name,
        "base": recipe.model.id,
        "base_name": base_name(run, recipe),
        "method": recipe.method.title,
        "task": recipe.task.name,
        "checkpoints": [path.name for path in run.checkpoints()],
        "held_out": int(counts.get("held_out_rows") or 0),
        "train": int(counts.get("train_rows") or 0),
        "writes": recipe.task.peft_type == "CAUSAL_LM",
        "dial": not dial_of(recipe),
        "no_dial": dial_of(recipe),
        "mixes": not why_not_mixed(recipe),
        "keeps": recipe.method.keeps,
    }


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
