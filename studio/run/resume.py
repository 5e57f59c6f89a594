"""Going on with a run that was stopped or broke off, from its newest checkpoint."""

from __future__ import annotations

import fcntl
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from studio.errors import StudioError
from studio.run.directory import Run, Status
from studio.run.events import EventWriter, Resumed


def may_resume(run: Run, status: Status) -> bool:
    """Whether a run that stands so can be gone on with."""
    return status.over and status is not Status.FINISHED and bool(run.checkpoints())


def resume(run: Run) -> int:
    """Put `run` back into the queue, and return the step that it goes on from.

    May be called from any process; where several do so at once, one of them resumes it and the others are refused. A
    run whose resuming broke off half way is as lost as before, and can be resumed again.

    Raises:
        StudioError: it is finished, still going on, or has no checkpoint.
    """
    with _alone(run):
        _refuse(run)
        step = _step_of(run.checkpoints()[-1])
        with EventWriter(run.events_path) as events:
            events.write(Resumed(step=step))
        run.stop_path.unlink(missing_ok=True)
        if run.owner_path.exists():
            run.owner_path.rename(_free_name(run))  # from here on the run waits
    return step


@contextmanager
def _alone(run: Run) -> Iterator[None]:
    """Nobody else resumes the run meanwhile: a second one would take the new trainer's claim away."""
    folder = os.open(run.path, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _refuse(run: Run) -> None:
    status = run.status()
    if status is Status.WAITING:
        raise StudioError(f"The run {run.name} is in the queue already. It begins as soon as the trainer is free.")
    if not status.over:
        raise StudioError(f"The run {run.name} is {status.value}. Stop it first, or let it go on.")
    if status is Status.FINISHED:
        raise StudioError(f"The run {run.name} is finished. Start a new run from its recipe with more epochs instead.")
    if not run.checkpoints():
        raise StudioError(
            f"The run {run.name} has no checkpoint to go on from. Start a new run from its recipe, and set "
            "training.save_steps, so that one is kept on the way."
        )


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def _free_name(run: Run) -> Path:
    names = (run.path / f"process.{number}.json" for number in itertools.count(1))
    return next(path for path in names if not path.exists())
