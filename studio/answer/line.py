"""A waiting line: whoever came first is served first, and anyone may leave it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class WaitingLine:
    """Like a lock, but fair, and waiting can be given up."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._tickets: deque[object] = deque()

    @contextmanager
    def turn(self, gives_up: Callable[[], bool] = lambda: False) -> Iterator[bool]:
        """Wait for one's turn and keep it for the `with` block. False where `gives_up` became true before that.

        After anything that `gives_up` looks at has changed, call `look`.
        """
        ticket = object()
        with self._changed:
            self._tickets.append(ticket)
        try:
            with self._changed:
                self._changed.wait_for(lambda: self._tickets[0] is ticket or gives_up())
                mine = self._tickets[0] is ticket
            yield mine
        finally:
            with self._changed:
                self._tickets.remove(ticket)
                self._changed.notify_all()

    def busy(self) -> bool:
        """Whether anyone is being served or waits."""
        return bool(self._tickets)

    def look(self) -> None:
        """Let everyone who waits look again whether to give up."""
        with self._changed:
            self._changed.notify_all()
