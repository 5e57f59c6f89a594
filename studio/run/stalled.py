"""Whether a run that should be going on was not heard of for much longer than is usual. It may only be slow, so this is
shown and changes no status."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Sequence
from itertools import pairwise

from studio.run.directory import Run
from studio.run.events import AnyEvent, Metrics, Phase

LEAST = 60.0  # seconds: a busy machine or disk may take so long over anything
USUAL = 10.0  # so many usual steps
LONGEST = 3.0  # and so many of the longest of the last ones
KNOWN_AFTER = 3  # steps that tell of those to come
UNPACED = {"": 300.0, "loading": 1800.0}  # seconds; a base model may have to be fetched first
ELSE = 900.0  # seconds of any other phase of which no pace is known
TAIL_BYTES = 65_536  # of the events: some hundred steps


def patience(phase: str, step_seconds: Sequence[float]) -> float:
    """Seconds without an event after which a run in `phase` counts as stalled, where its last steps took so long."""
    if phase not in {"training", "scoring"} or len(step_seconds) < KNOWN_AFTER:
        return UNPACED.get(phase, ELSE)
    return max(LEAST, USUAL * statistics.median(step_seconds), LONGEST * max(step_seconds))


def stalled(run: Run, now: float | None = None) -> float:
    """Seconds since a run in progress was last heard of, where that is longer than its `patience`; else 0."""
    if not run.status().active:
        return 0.0
    events = last_events(run)
    phase = next((event.phase for event in reversed(events) if isinstance(event, Phase)), "training" if events else "")
    silent = silence(run, events[-1].time if events else 0.0, now)
    return silent if silent > patience(phase, step_seconds(events)) else 0.0


def silence(run: Run, last: float, now: float | None = None) -> float:
    """Seconds since the `last` event of a run (seconds since the epoch), or since a process took it up after that."""
    try:
        last = max(last, run.owner_path.stat().st_mtime)
    except FileNotFoundError:
        return 0.0
    return max(0.0, (time.time() if now is None else now) - last)


def last_events(run: Run) -> list[AnyEvent]:
    """The last events of a run, of some hundred steps."""
    return run.last_events(TAIL_BYTES)


def step_seconds(events: Iterable[AnyEvent]) -> list[float]:
    """How long the steps among `events` took, what came between them included."""
    steps = [event for event in events if isinstance(event, Metrics) and "loss" in event.values]
    return [later.time - earlier.time for earlier, later in pairwise(steps) if later.step > earlier.step]
