"""Events without what was said before: a resumed run decides and warns anew, and readers need not hear it twice."""

from __future__ import annotations

from studio.run.directory import Run
from studio.run.events import Decision, Event, EventWriter, Warned


class OnceTold(EventWriter):
    """Writes a run's events, but no decision or warning that stands among them already."""

    def __init__(self, run: Run) -> None:
        self._told = {_words(event) for event in run.events()[0] if isinstance(event, Decision | Warned)}
        super().__init__(run.events_path)

    def write(self, event: Event) -> None:
        if isinstance(event, Decision | Warned):
            if _words(event) in self._told:
                return
            self._told.add(_words(event))
        super().write(event)


def _words(event: Decision | Warned) -> str:
    return event.model_dump_json(exclude={"time", "step"})
