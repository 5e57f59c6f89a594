"""The events of a run as its trainer writes them: nothing is said twice, and a full disk still takes the last words."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from studio.run.directory import Run
from studio.run.disk import is_full
from studio.run.events import Decision, Event, EventWriter, Warned, that_count

ROOM = 64 * 1024  # bytes that are given up for the last words


class OnceTold(EventWriter):
    """Writes a run's events, but no decision or warning that stands among them already: a resumed run decides and
    warns anew. While it is open it holds some bytes of the disk, and gives them up when there are no others left."""

    def __init__(self, run: Run) -> None:
        self._told = {_words(event) for event in that_count(run.events()[0]) if isinstance(event, Decision | Warned)}
        super().__init__(run.events_path)
        self._reserve = run.path / ".reserve"
        _hold(self._reserve)

    def write(self, event: Event) -> None:
        """Append `event`. Raises OSError where the disk is full; the next one, which says so, has room then."""
        once = _words(event) if isinstance(event, Decision | Warned) else ""
        if once in self._told:
            return
        try:
            super().write(event)
        except OSError as error:
            if is_full(error):
                self._reserve.unlink(missing_ok=True)
            raise
        if once:
            self._told.add(once)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._reserve.unlink(missing_ok=True)


def _hold(path: Path) -> None:
    try:
        path.write_bytes(bytes(ROOM))
    except OSError:  # the run will say soon enough that there is no room
        path.unlink(missing_ok=True)


def _words(event: Decision | Warned) -> str:
    return event.model_dump_json(exclude={"time", "step"})
