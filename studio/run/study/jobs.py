"""Work that children do in the background, each piece once however many visitors ask for it."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from studio.errors import StudioError
from studio.run.study.lane import CANCELLED
from studio.run.study.wire import Doing

FORSAKEN = 4.0  # seconds after which work that nobody asks about gives way to work that waits
KEPT = 8  # finished pieces of work

T = TypeVar("T")


@dataclass(eq=False)
class Job(Generic[T]):
    """One piece of work: how far it is, and what came of it."""

    what: str = ""
    done: int = 0
    total: int = 0
    result: T | None = None
    error: StudioError | None = None
    asked: float = field(default_factory=time.monotonic)
    """When somebody last asked about it."""
    over: threading.Event = field(default_factory=threading.Event)
    cancelled: threading.Event = field(default_factory=threading.Event)

    def told(self, doing: Doing) -> None:
        """Note how far it is."""
        self.what, self.done, self.total = doing.what, doing.done, doing.total


Do = Callable[[Job[T], Callable[[], bool]], T]
"""Does the work of a job; the second argument says whether to stop."""


class Jobs(Generic[T]):
    """Pieces of work under keys. They wait for each other in the lane that does them.

    A piece that nobody has asked about for a while is ended when another one waits: that is how a changed data part
    ends the study of the old one, while those of other visitors go on.
    """

    def __init__(self) -> None:
        self._jobs: OrderedDict[Hashable, Job[T]] = OrderedDict()
        self._guard = threading.Lock()

    def get(self, key: Hashable) -> Job[T] | None:
        """The work under a key, under way or done, which counts as asked about."""
        with self._guard:
            job = self._jobs.get(key)
            if job is not None:
                job.asked = time.monotonic()
                self._jobs.move_to_end(key)
            return job

    def start(self, key: Hashable, do: Do[T]) -> Job[T]:
        """Begin work under a key, in a thread of its own; what is under way already goes on."""
        with self._guard:
            job = self._jobs.get(key)
            if job is not None and not job.over.is_set():
                job.asked = time.monotonic()
                return job
            job = self._jobs[key] = Job()
            self._forget()
        threading.Thread(target=self._work, args=(key, job, do), name="study", daemon=True).start()
        return job

    def cancel(self, wanted: Callable[[Hashable], bool] = lambda key: True) -> None:
        """End what is under way under these keys; asked for again, it begins anew."""
        with self._guard:
            for key, job in self._jobs.items():
                if wanted(key):
                    job.cancelled.set()

    def _work(self, key: Hashable, job: Job[T], do: Do[T]) -> None:
        try:
            job.result = do(job, lambda: job.cancelled.is_set() or self._forsaken(job))
        except StudioError as error:
            job.error = error
            if CANCELLED in error.problems:
                with self._guard:
                    if self._jobs.get(key) is job:
                        del self._jobs[key]
        except BaseException as error:
            text = f"{type(error).__name__}: {error}"[:300]
            job.error = StudioError(f"The look at the rows ended with an error that it did not expect: {text}.")
            raise
        finally:
            job.over.set()

    def _forsaken(self, job: Job[T]) -> bool:
        if time.monotonic() - job.asked < FORSAKEN:
            return False
        with self._guard:
            return any(not other.over.is_set() for other in self._jobs.values() if other is not job)

    def _forget(self) -> None:
        """Keep the pieces of work that were asked about last."""
        over = [key for key, job in self._jobs.items() if job.over.is_set()]
        for key in over[: max(0, len(over) - KEPT)]:
            del self._jobs[key]
