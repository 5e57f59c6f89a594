"""The page's end of a rehearsal: starts its child, hears how far it is, and ends it where it is given up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from studio.errors import StudioError
from studio.home import Home
from studio.recipe.recipe import Recipe
from studio.run.child import Child, Gone
from studio.run.launchers import environment
from studio.run.rehearsal.wire import REPLY, Doing, Failed, Rehearse, Rehearsed, Reply

COMMAND = ("-m", "studio.run.rehearsal")
PULSE = 0.2  # seconds between looks whether to stop
KILLED = -9

CANCELLED = "The rehearsal was ended. Nothing was changed."
NO_MEMORY = (
    "The memory was not enough: the rehearsal's process was killed. Lower the batch size (and raise gradient "
    "accumulation by the same factor), lower the longest row, or switch gradient checkpointing on."
)


def rehearse(
    recipe: Recipe,
    home: Home,
    told: Callable[[Doing], None],
    stopped: Callable[[], bool],
    log: Path | None = None,
) -> Rehearsed:
    """Rehearse a recipe in a process of its own and wait for it.

    Raises:
        StudioError: it could not be done, ran out of memory, or was given up.
    """
    child: Child[Rehearse, Reply] = Child(
        COMMAND, REPLY.validate_json, log, environment() | {"STUDIO_HOME": str(home.root)}
    )
    try:
        child.send(Rehearse(id=1, recipe=recipe))
        while not stopped():
            match child.reply(1, PULSE):
                case Doing() as doing:
                    told(doing)
                case Failed(problems=problems):
                    raise StudioError(*problems)
                case Rehearsed() as found:
                    return found
        raise StudioError(CANCELLED)
    except Gone:
        status = child.ended_with()
        where = f" See {log}." if log else ""
        ended = f"The rehearsal's process ended unexpectedly (status {status}).{where}"
        raise StudioError(NO_MEMORY if status == KILLED else ended) from None
    finally:
        child.kill(CANCELLED)
