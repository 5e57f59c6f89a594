"""Going on with a run that was stopped or broke off, from its newest checkpoint."""

from __future__ import annotations

import itertools
from pathlib import Path

from studio.errors import StudioError
from studio.run.directory import Run, Status
from studio.run.events import EventWriter, Resumed


def resume(run: Run) -> int:
    """Put `run` back into the queue, and return the step that it goes on from.

    Raises:
        StudioError: it is finished, still going on, or has no checkpoint.
    """
    status = run.status()
    if not status.over:
        raise StudioError(f"The run {run.name} is {status.value}, and need not be resumed.")
    if status is Status.FINISHED:
        raise StudioError(f"The run {run.name} is finished. Start a new run from its recipe with more epochs instead.")
    found = run.checkpoints()
    if not found:
        raise StudioError(f"The run {run.name} has no checkpoint to go on from. Start a new run from its recipe.")
    step = int(found[-1].name.rpartition("-")[2])
    with EventWriter(run.events_path) as events:
        events.write(Resumed(step=step))
    run.stop_path.unlink(missing_ok=True)
    if run.owner_path.exists():
        run.owner_path.rename(_free_name(run))  # from here on the run waits
    return step


def _free_name(run: Run) -> Path:
    names = (run.path / f"process.{number}.json" for number in itertools.count(1))
    return next(path for path in names if not path.exists())
