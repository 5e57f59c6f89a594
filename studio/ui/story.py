"""The events of a run that are words, as entries of the live view's timeline. They are text, never markup."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from studio.progress import Progress
from studio.run.events import AnyEvent, Branched, Decision, Ended, Resumed, Saved, Started, Warned

Told = Decision | Warned | Started | Saved | Resumed | Branched | Ended
Json = dict[str, Any]
KIB = 1024


def told(events: Iterable[AnyEvent], before: Progress) -> Json:
    """What the events after `before` say: entries for the timeline, and how the run ended."""
    story: list[Json] = []
    ended: str | None = None
    for event, seconds in before.timed(events):
        if isinstance(event, Told):
            story.append({"kind": event.kind, "at": round(seconds, 1), "step": event.step} | _words(event))
        if isinstance(event, Ended):
            ended = event.message
    return ({"story": story} if story else {}) | ({"ended": ended} if ended is not None else {})


def _words(event: Told) -> Json:
    if isinstance(event, Decision):
        return {"text": event.choice, "why": event.reason}
    if isinstance(event, Warned):
        return {"text": event.message}
    if isinstance(event, Saved):
        return {"text": f"Checkpoint of step {event.step:,}", "why": f"{_size(event.bytes)} in {event.seconds:.2g} s"}
    if isinstance(event, Resumed):
        return {"text": f"Resumed from step {event.step:,}", "why": "from the newest checkpoint of this run"}
    if isinstance(event, Branched):
        return {"text": f"Branched from {event.run} at its step {event.step:,}"}
    if isinstance(event, Ended):
        return {"text": event.kind.capitalize(), "why": event.message}
    return _started(event)


def _started(event: Started) -> Json:
    share = 100 * event.trainable_parameters / max(1, event.parameters)
    text = f"{event.steps:,} steps over {event.rows:,} rows, with {event.held_out_rows:,} rows held out"
    weights = f"{event.trainable_parameters:,} of {event.parameters:,} weights are trained ({share:.2g} %)"
    return {"text": text, "why": weights}


def _size(count: int) -> str:
    if count < KIB**2:
        return f"{count / KIB:.1f} KiB"
    return f"{count / KIB**2:.1f} MiB" if count < KIB**3 else f"{count / KIB**3:.1f} GiB"
