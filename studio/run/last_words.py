"""What is said in the stead of a run whose process is gone without a word: how it ended, and what to do."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from studio.errors import StudioError
from studio.run import owner
from studio.run.alone import alone
from studio.run.cancel import throw_away
from studio.run.directory import Run, Status, step_of
from studio.run.events import Ended, EventWriter, last_step
from studio.run.wish import Wish

TAIL_BYTES = 4096
LINES = 3  # of the log, the last ones
WIDTH = 300  # characters of each
KILLED = -signal.SIGKILL


def speak_for(run: Run, status: int | None = None) -> bool:
    """Write the last event of a run that could not. Returns whether there was anything to say.

    Nothing is written while its process lives, where it has spoken itself, or where it was resumed meanwhile. What was
    learned is thrown away where that was asked.

    Args:
        run: a run that began.
        status: what its process ended with, negative where a signal ended it; None where nobody knows.

    Raises:
        OSError: it cannot be written.
    """
    with alone(run.path):
        wish = run.wish()
        if run.status() is not Status.LOST or (wish is None and status is None):
            return False
        if wish is Wish.CANCEL:
            throw_away(run)
        ended = _asked(run, wish) if wish else _unasked(run, status)
        with EventWriter(run.events_path) as events:
            events.write(ended.model_copy(update={"step": last_step(run.events()[0])}))
    return True


def give_up(run: Run, status: int | None = None) -> None:
    """Say that a trainer ended before it claimed its run, which would else be tried for ever. Raises OSError."""
    if run.asked_to_stop():
        return
    try:
        owner.claim(run.owner_path)
    except StudioError:
        return
    message = (
        "The trainer's process ended before it could begin. See trainer.log in the studio's home, then train again."
    )
    if status == KILLED:
        message = f"The trainer's process was ended by the system before it could begin. {OUT_OF_MEMORY}"
    with EventWriter(run.events_path) as events:
        events.write(Ended(kind="failed", message=message, cause="memory" if status == KILLED else "process"))


OUT_OF_MEMORY = (
    "Most likely the machine's memory was not enough. Close other programs, or lower the batch size (and raise "
    "gradient accumulation by the same factor) or the longest row, and train again."
)


def _asked(run: Run, wish: Wish) -> Ended:
    """It was asked to end, and its process is gone."""
    if wish is Wish.CANCEL:
        return Ended(kind="cancelled", message="Cancelled; its process was ended. Checkpoints and result were removed.")
    found = run.checkpoints()
    kind: Literal["stopped", "paused"] = "paused" if wish is Wish.PAUSE and found else "stopped"
    kept = "It kept no checkpoint, so there is nothing to go on from."
    if found:
        kept = f"Resume goes on from the checkpoint of step {step_of(found[-1]):,}."
    return Ended(
        kind=kind, message=f"It did not end by itself, so its process was ended, and no result was made. {kept}"
    )


def _unasked(run: Run, status: int | None) -> Ended:
    """Nobody here ended it."""
    again = " Resume goes on from its newest checkpoint." if run.checkpoints() else ""
    if status == KILLED:
        return Ended(
            kind="failed", message=f"Its process was ended by the system. {OUT_OF_MEMORY}{again}", cause="memory"
        )
    said = " · ".join(last_lines(run.log_path))
    last = f" It printed last: {said}." if said else " It printed nothing."
    return Ended(
        kind="failed", message=f"Its process {how_it_ended(status)} without a word.{last}{again}", cause="process"
    )


def how_it_ended(status: int | None) -> str:
    """As the rest of a sentence about a process."""
    if status is not None and status < 0:
        try:
            return f"was ended by {signal.Signals(-status).name}"
        except ValueError:
            return f"was ended by signal {-status}"
    return f"ended with status {status}"


def last_lines(log: Path) -> Iterator[str]:
    """The last lines of a log that say something, each cut to a width."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    yield from (line[:WIDTH] for line in lines[-LINES:])
