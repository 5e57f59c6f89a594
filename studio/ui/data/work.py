"""Work that takes a while: done in a thread, told of while it lasts, and given up when nobody waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Generic, TypeVar

from studio.data.hub.dataset import Tell

LOOK = 0.25  # seconds between looks at how far it is
SHORT = 0.6  # seconds of work that are not worth a word

R = TypeVar("R")
Stopped = Callable[[], bool]


class Work(Generic[R]):
    """One piece of work for a generator event. `do(tell, stopped)` runs in a thread of its own.

    Leaving the `with` block asks it to stop: after its end nobody hears that, and a cancelled or disconnected event
    leaves the block early.
    """

    def __init__(self, do: Callable[[Tell, Stopped], R]) -> None:
        self._do = do
        self._stop = threading.Event()
        self._said = ""
        self._done: Future[R] = Future()

    def __enter__(self) -> Work[R]:
        threading.Thread(target=self._work, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def progress(self) -> Iterator[str]:
        """What is said of it, again and again until it is done. Nothing for work that is done at once."""
        pause = SHORT
        while not self._finished(pause):
            yield self._said
            pause = LOOK

    def result(self) -> R:
        """What came of it. Raises what the work raised."""
        return self._done.result()

    def _finished(self, within: float) -> bool:
        try:
            self._done.exception(within)
        except TimeoutError:
            return False
        return True

    def _work(self) -> None:
        try:
            self._done.set_result(self._do(self._tell, self._stop.is_set))
        except BaseException as error:  # told to whoever asks for the result
            self._done.set_exception(error)

    def _tell(self, what: str, done: int, total: int) -> None:
        share = f" of {total:,}" if total else ""
        self._said = f"{what}: {done:,}{share}" if done else what
