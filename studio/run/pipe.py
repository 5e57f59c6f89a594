"""The page as a child sees it: questions come in on standard input, replies go out on standard output."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from typing import BinaryIO, Generic, Self

from studio.run.wire import Asked, Said, line


class Pipe(Generic[Asked, Said]):
    """Questions to be answered one after the other. `heard` is told of each when it comes and says whether it waits
    for its turn; where it does not, it was dealt with at once.

    When the page goes away the process ends, whatever is being computed.
    """

    def __init__(
        self,
        requests: BinaryIO,
        replies: BinaryIO,
        read: Callable[[bytes], Asked],
        heard: Callable[[Asked], bool] = lambda _: True,
    ) -> None:
        self._requests = requests
        self._replies = replies
        self._read = read
        self._heard = heard
        self._writing = threading.Lock()
        self._waiting: queue.SimpleQueue[Asked] = queue.SimpleQueue()
        threading.Thread(target=self._listen, name="listen", daemon=True).start()

    @classmethod
    def standard(cls, read: Callable[[bytes], Asked], heard: Callable[[Asked], bool] = lambda _: True) -> Self:
        """Over this process's standard streams. From here on what any library prints goes to standard error."""
        replies = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        return cls(os.fdopen(os.dup(0), "rb"), replies, read, heard)

    def next(self) -> Asked:
        """The next question, when there is one."""
        return self._waiting.get()

    def reply(self, reply: Said) -> None:
        """Send one line to the page. Raises BrokenPipeError where it is gone."""
        with self._writing:
            self._replies.write(line(reply))
            self._replies.flush()

    def _listen(self) -> None:
        for text in self._requests:
            request = self._read(text)
            if self._heard(request):
                self._waiting.put(request)
        os._exit(0)  # the page is gone
