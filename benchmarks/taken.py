"""What a process and its children take together: memory and processor time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

MB = 1e6  # bytes
LOOK = 0.5  # seconds between looks: one walks through the tables of every page


class Taken:
    """What was seen so far: `memory` is the most that all held at once, in bytes, what they share counted once (PSS);
    `processor` is the seconds of processors that they used."""

    def __init__(self) -> None:
        self.memory = 0
        self._seconds: dict[int, float] = {}

    @property
    def processor(self) -> float:
        return sum(self._seconds.values())

    def look(self, pid: int) -> None:
        held = 0
        for process in _family(pid):
            with suppress(psutil.Error):
                times = process.cpu_times()
                self._seconds[process.pid] = times.user + times.system
                held += process.memory_full_info().pss
        self.memory = max(self.memory, held)


@contextmanager
def watched(pid: int) -> Iterator[Taken]:
    """Look at `pid` and its children again and again while the block lasts."""
    taken, over = Taken(), threading.Event()

    def watch() -> None:
        while not over.wait(LOOK):
            taken.look(pid)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield taken
    finally:
        over.set()
        thread.join()


def _family(pid: int) -> list[psutil.Process]:
    try:
        head = psutil.Process(pid)
        return [head, *head.children(recursive=True)]
    except psutil.Error:
        return []
