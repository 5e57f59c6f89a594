"""How many runs stand, for those who look again and again: what did not change is not read again."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from studio.run.directory import Run, Status

Stamp = tuple[int, int, int]


class Statuses:
    """The status of each run at a look. One that was over is read anew only where its files changed since; whether a
    process lives is asked each time."""

    def __init__(self) -> None:
        self._over: dict[Run, tuple[tuple[Stamp, ...], Status]] = {}

    def look(self, runs: Iterable[Run]) -> list[tuple[Run, Status]]:
        """Each of these runs with its status now."""
        known, self._over = self._over, {}
        return [(run, self._status(run, known)) for run in runs]

    def _status(self, run: Run, known: dict[Run, tuple[tuple[Stamp, ...], Status]]) -> Status:
        stamps = tuple(
            _stamp(path) for path in (run.events_path, run.owner_path, run.stop_path)
        )  # before they are read
        before = known.get(run)
        status = before[1] if before and before[0] == stamps else run.status()
        if status.over:
            self._over[run] = stamps, status
        return status


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)
