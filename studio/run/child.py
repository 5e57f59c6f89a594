"""A child process as the page sees it: lines in, lines out, and the news of its end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Generic

from studio.home import CHECKOUT
from studio.run.wire import Asked, Said, line

PATIENCE = 5.0  # seconds that a child has to leave by itself


class Gone(Exception):
    """The child's process has ended: news, not a mistake."""


class Inbox(Generic[Said]):
    """Replies that were not read yet, by question. Of those that pile up, the replaced ones are let go."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._replies: defaultdict[int, deque[Said]] = defaultdict(deque)
        self._gone = False

    def put(self, reply: Said | None) -> None:
        """Add a reply; None says that no more will come."""
        with self._changed:
            if reply is None:
                self._gone = True
            else:
                replies = self._replies[reply.id]
                if replies and reply.replaces(replies[-1]):
                    replies.pop()
                replies.append(reply)
            self._changed.notify_all()

    def get(self, question: int, seconds: float) -> Said | None:
        """The next reply to `question`, or None after `seconds` without one. Raises Gone where no more will come."""
        with self._changed:
            self._changed.wait_for(lambda: question in self._replies or self._gone, timeout=seconds)
            if question in self._replies:
                replies = self._replies[question]
                reply = replies.popleft()
                if not replies:
                    del self._replies[question]
                return reply
            if self._gone:
                raise Gone
        return None


class Child(Generic[Asked, Said]):
    """One life of a child that runs `python COMMAND`. For any thread; several questions may be on their way at once.

    `read` turns one of its lines into a reply; what it prints goes to `log`. It ends when its standard input closes,
    so it never outlives the page.
    """

    def __init__(
        self,
        command: Sequence[str],
        read: Callable[[bytes], Said],
        log: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._process = _spawn(command, log, environment or {})
        self._read = read
        self._inbox: Inbox[Said] = Inbox()
        self._writing = threading.Lock()
        self._heard = time.monotonic()
        self.closed_because = ""
        threading.Thread(target=self._listen, name=f"child {self.pid}", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def alive(self) -> bool:
        """Whether it can still be asked."""
        return not self.closed_because and self._process.poll() is None

    def send(self, request: Asked) -> None:
        """Pass on a request. Raises Gone where nobody is there to read it."""
        assert self._process.stdin is not None
        with self._writing:
            try:
                self._process.stdin.write(line(request))
                self._process.stdin.flush()
            except (BrokenPipeError, ValueError) as error:  # ValueError: closed by us
                raise Gone from error

    def reply(self, question: int, seconds: float) -> Said | None:
        """The next reply to `question`, or None after `seconds` without one. Raises Gone where no more will come."""
        return self._inbox.get(question, seconds)

    def silent_for(self) -> float:
        """Seconds since its last line, or since it was started."""
        return time.monotonic() - self._heard

    def ended_with(self) -> int:
        """The exit status; negative where a signal ended it."""
        return self._process.wait(PATIENCE)

    def close(self, because: str) -> None:
        """Let it end: at once, whatever it computes. Who waits for its reply is told `because`."""
        assert self._process.stdin is not None
        self.closed_because = because
        with self._writing, suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill(self, because: str) -> None:
        """End it now, without a chance to tidy up."""
        self.closed_because = because
        self._process.kill()
        self.close(because)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as replies:
            for text in replies:
                self._heard = time.monotonic()
                if text.endswith(b"\n"):  # a kill can tear the last line
                    self._inbox.put(self._read(text))
        self._inbox.put(None)


def _spawn(command: Sequence[str], log: Path | None, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    with (log or Path(os.devnull)).open("ab") as errors:
        return subprocess.Popen(
            [sys.executable, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=CHECKOUT,
            env=os.environ | environment,
            start_new_session=True,
        )
