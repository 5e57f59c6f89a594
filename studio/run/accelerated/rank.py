"""One of the processes that do a run together: the first writes what is kept, all learn, and none outlives another."""

from __future__ import annotations

import os
import sys
import traceback
from types import TracebackType
from typing import NoReturn, Self

from studio.run import owner
from studio.run.accelerated.launch import WORDS, leave_words
from studio.run.accelerated.ranks import end_with_launcher, join, this_rank
from studio.run.accelerated.shared_run import SharedRun
from studio.run.directory import Run
from studio.run.ending import failed
from studio.run.events import Ended, Event, EventWriter
from studio.run.log import print_into
from studio.run.retold import OnceTold


class Unheard(EventWriter):
    """Takes events and writes none: the first process says them."""

    def __init__(self) -> None:
        pass

    def write(self, event: Event) -> None:
        """Nothing is written."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing was opened."""


def train_together(run: Run) -> None:
    """Do this process's part of the run. Ends the process with status 1 where it failed, and with it all others.

    Raises:
        StudioError: the run was already started by another process.
    """
    from studio.run.train import last_event, learn

    end_with_launcher()
    watched = _launched_by_owner(run)
    if not watched:
        print_into(run.log_path)
        if this_rank().first:
            owner.claim(run.owner_path)
    shared = SharedRun(run.path)
    with OnceTold(run) if this_rank().first else Unheard() as events:
        try:
            join()
            ended = learn(shared, events)
        except Exception as error:  # of the meeting: an error of the training is an end like another
            traceback.print_exc()
            ended = failed(run, error, 0)
        if this_rank().first and not (ended.kind == "failed" and watched):
            events.write(last_event(shared, ended))
    if ended.kind == "failed":
        _fail(ended)


def _launched_by_owner(run: Run) -> bool:
    """Whether the launcher is the studio's own, which speaks for processes that cannot."""
    found = owner.read_owner(run.owner_path)
    return found is not None and found.pid == os.getppid()


def _fail(ended: Ended) -> NoReturn:
    """End at once: the usual way out would wait for processes that wait for this one."""
    if path := os.environ.get(WORDS):
        leave_words(path, ended)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)
