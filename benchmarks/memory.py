"""How much memory a process and its children hold together."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

MB = 1e6  # bytes
LOOK = 0.5  # seconds between looks: one walks through the tables of every page


class Most:
    """The most that was seen so far, in bytes."""

    bytes = 0


@contextmanager
def watched(pid: int) -> Iterator[Most]:
    """Look at `pid` and its children again and again while the block lasts."""
    most, over = Most(), threading.Event()

    def watch() -> None:
        while not over.wait(LOOK):
            most.bytes = max(most.bytes, held(pid))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()


def held(pid: int) -> int:
    """Bytes that the process and its children hold now, what they share counted once (PSS)."""
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return 0
    return sum(map(_pss, family))


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0
