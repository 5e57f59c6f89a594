"""A child that does one thing after the other, started when it is needed and again after its end."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from studio.errors import StudioError
from studio.home import Home
from studio.run.child import Child, Gone
from studio.run.study.wire import REPLY, Doing, Failed
from studio.run.wire import Line

COMMAND = ("-m", "studio.run.study")
PULSE = 0.2  # seconds between looks whether to stop
STARTING = 120.0  # seconds that a child may take to import and to load a tokenizer
KILLED = -9

Told = Callable[[Doing], None]


def unheard(_: Doing) -> None:
    """Nobody listens."""


class Lane:
    """Asks one child, one question at a time. From any thread; who comes while it is busy waits.

    The child is `python COMMAND`, whose lines `read` understands; `does` says in words what it is for.
    """

    def __init__(
        self,
        home: Home,
        log: Path | None = None,
        command: Sequence[str] = COMMAND,
        read: Callable[[bytes], Line] = REPLY.validate_json,
        does: str = "looks at the rows",
    ) -> None:
        self._home = home
        self._log = log
        self._command = command
        self._read = read
        self._does = does
        self._numbers = itertools.count(1)
        self._turn = threading.Lock()
        self._guard = threading.Lock()  # of _child and _closed
        self._child: Child[Line, Line] | None = None
        self._closed = False

    def ask(
        self,
        make: Callable[[int], Line],
        patience: float,
        told: Told = unheard,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Line:
        """The child's answer to the request that `make` gives for a number.

        A child that says nothing for `patience` seconds is ended, and so is one whose work is `stopped`. Before its
        first word, which imports come before, it is given longer.

        Raises:
            StudioError: it could not be done, was given up, or the child ended.
        """
        with self._turn:
            if stopped():
                raise StudioError(CANCELLED)
            child, number = self._living(), next(self._numbers)
            try:
                child.send(make(number))
                return self._answer(child, number, patience, told, stopped)
            except Gone:
                raise StudioError(child.closed_because or self._why_gone(child)) from None

    def close(self, because: str = "The studio is being closed.") -> None:
        """Let the child go, for good."""
        with self._guard:
            self._closed = True
            child, self._child = self._child, None
        if child is not None:
            child.kill(because)

    def pid(self) -> int | None:
        """The child's process, while there is one."""
        with self._guard:
            return self._child.pid if self._child is not None and self._child.alive() else None

    def _answer(
        self, child: Child[Line, Line], number: int, patience: float, told: Told, stopped: Callable[[], bool]
    ) -> Line:
        heard, wait = time.monotonic(), max(patience, STARTING)
        while True:
            reply = child.reply(number, PULSE)
            match reply:
                case Doing():
                    heard, wait = time.monotonic(), patience
                    told(reply)
                case Failed(problems=problems):
                    raise StudioError(*problems)
                case None:
                    if time.monotonic() - heard > wait:
                        child.kill(_hung(wait))
                        raise StudioError(_hung(wait))
                case _:
                    return reply
            if stopped():
                child.kill(CANCELLED)
                raise StudioError(CANCELLED)

    def _living(self) -> Child[Line, Line]:
        with self._guard:
            if self._closed:
                raise StudioError("The studio is being closed.")
            if self._child is None or not self._child.alive():
                environment = {"STUDIO_HOME": str(self._home.root)}
                self._child = Child(self._command, self._read, self._log, environment)
            return self._child

    def _why_gone(self, child: Child[Line, Line]) -> str:
        status = child.ended_with()
        log = f" See {self._log}." if self._log else ""
        if status == KILLED:
            return (
                f"The process that {self._does} was killed, most likely because the memory was not enough. Try "
                "again; if it happens again, take fewer rows."
            )
        return f"The process that {self._does} ended unexpectedly (status {status}). Try again.{log}"


CANCELLED = "Cancelled. Nothing was changed."


def _hung(seconds: float) -> str:
    return (
        f"The process that looks at the rows said nothing for {seconds:.0f} seconds and was ended. The base model's "
        "chat template may loop without end: choose another base model, or try again if the machine was busy."
    )
