"""Going on with a run that was stopped or broke off, from its newest checkpoint."""

from __future__ import annotations

import itertools
from pathlib import Path

from studio.errors import StudioError
from studio.run.alone import alone
from studio.run.directory import Run, Status, step_of
from studio.run.events import EventWriter, Resumed, Warned
from studio.run.newest import newest

NEVER = (Status.FINISHED, Status.CANCELLED)


def may_resume(run: Run, status: Status) -> bool:
    """Whether a run that stands so may be gone on with, as far as a quick look tells."""
    return status.over and status not in NEVER and (bool(run.checkpoints()) or _unbegun(run, status))


def resume(run: Run) -> int:
    """Put `run` back into the queue, and return the step that it goes on from.

    May be called from any process; where several do so at once, one of them resumes it and the others are refused. A
    run whose resuming broke off half way is as lost as before, and can be resumed again. A damaged checkpoint is told
    of and put aside, and the one before it is taken.

    Raises:
        StudioError: it is finished, cancelled or still going on, has no whole checkpoint, or its recipe or rows are not
            those of the checkpoint; or the disk is full.
    """
    with alone(run.path):  # a second one would take the new trainer's claim away
        _refuse(run)
        warnings: list[Warned] = []
        try:
            checkpoint = newest(run, warnings.append)
            step = step_of(checkpoint) if checkpoint else 0
            with EventWriter(run.events_path) as events:
                for event in (*warnings, Resumed(step=step)):
                    events.write(event)
            run.stop_path.unlink(missing_ok=True)
            if run.owner_path.exists():
                run.owner_path.rename(_free_name(run))  # from here on the run waits
        except OSError as error:
            raise StudioError(
                f"The run {run.name} could not be resumed: its folder cannot be written to ({error.strerror}). Free "
                "some space or see to its permissions, then resume it."
            ) from error
    return step


def _unbegun(run: Run, status: Status) -> bool:
    """Whether it was paused before it had learned anything, so that it can begin."""
    ended = run.ended()
    return status is Status.PAUSED and not run.checkpoints() and (ended is None or ended.step == 0)


def _refuse(run: Run) -> None:
    status = run.status()
    if status is Status.WAITING:
        raise StudioError(f"The run {run.name} is in the queue already. It begins as soon as the trainer is free.")
    if not status.over:
        raise StudioError(f"The run {run.name} is {status.value}. Stop it first, or let it go on.")
    if status is Status.FINISHED:
        raise StudioError(f"The run {run.name} is finished. Extend it by more epochs instead.")
    if status is Status.CANCELLED:
        raise StudioError(
            f"The run {run.name} was cancelled and what it learned is gone. Start a new run from its recipe."
        )
    if not run.checkpoints() and not _unbegun(run, status):
        raise StudioError(
            f"The run {run.name} has no checkpoint to go on from. Start a new run from its recipe, and set "
            "training.save_steps, so that one is kept on the way."
        )


def _free_name(run: Run) -> Path:
    names = (run.path / f"process.{number}.json" for number in itertools.count(1))
    return next(path for path in names if not path.exists())
