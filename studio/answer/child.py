"""The chat host's process as the page sees it: lines in, lines out, and the news of its end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path

from studio.answer.wire import REPLY, Reply, Request, Texts, line
from studio.home import CHECKOUT

COMMAND = ("-m", "studio.answer.host")
PATIENCE = 5.0  # seconds that a host has to leave by itself


class Gone(Exception):
    """The host's process has ended: news, not a mistake."""


class Inbox:
    """Replies that were not read yet. Of texts that pile up only the newest is kept: each holds all that was said."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._replies: deque[Reply | None] = deque()

    def put(self, reply: Reply | None) -> None:
        """Add a reply; None says that no more will come."""
        with self._changed:
            last = self._replies[-1] if self._replies else None
            if isinstance(last, Texts) and isinstance(reply, Texts) and last.id == reply.id:
                self._replies.pop()
            self._replies.append(reply)
            self._changed.notify()

    def get(self, question: int, seconds: float) -> Reply | None:
        """The next reply to `question`, or None after `seconds` without one. Raises Gone where no more will come."""
        with self._changed:
            while self._changed.wait_for(lambda: self._replies, timeout=seconds):
                reply = self._replies.popleft()
                if reply is None:
                    raise Gone
                if reply.id == question:  # others belong to a question that was given up
                    return reply
        return None


class Child:
    """One life of the chat host. `reply` is for one thread at a time, all else for any."""

    def __init__(self, log: Path | None) -> None:
        self._process = _spawn(log)
        self._inbox = Inbox()
        self._writing = threading.Lock()
        self.closed_because = ""
        threading.Thread(target=self._listen, name="chat host", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def alive(self) -> bool:
        """Whether it can still be asked."""
        return self._process.poll() is None

    def send(self, request: Request) -> None:
        """Pass on a request. Raises Gone where nobody is there to read it."""
        assert self._process.stdin is not None
        with self._writing:
            try:
                self._process.stdin.write(line(request))
                self._process.stdin.flush()
            except (BrokenPipeError, ValueError) as error:  # ValueError: closed by us
                raise Gone from error

    def reply(self, question: int, seconds: float) -> Reply | None:
        """The next reply to `question`, or None after `seconds` without one. Raises Gone where no more will come."""
        return self._inbox.get(question, seconds)

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

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as replies:
            for text in replies:
                if text.endswith(b"\n"):  # a kill can tear the last line
                    self._inbox.put(REPLY.validate_json(text))
        self._inbox.put(None)


def _spawn(log: Path | None) -> subprocess.Popen[bytes]:
    with (log or Path(os.devnull)).open("ab") as errors:
        return subprocess.Popen(
            [sys.executable, *COMMAND],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=CHECKOUT,
            start_new_session=True,
        )
