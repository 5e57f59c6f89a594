"""A run's output.log: all that its processes print goes there, whether anybody reads it or not, within bounds."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

LIMIT = 64 * 2**20  # bytes; a log beyond it is cut
KEPT = 16 * 2**20  # bytes of it that are kept, the newest
LOOK = 1.0  # seconds between looks at its size
NOTICE = b"[Older lines were left out here: a log is cut when it grows beyond %d MB.]\n"


def print_into(log: Path) -> None:
    """From here on all that this process, its children and its libraries print goes to the end of `log`."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    os.close(descriptor)


def keep_short(log: Path) -> None:
    """Cut `log` whenever it grows too long, in a thread, as long as this process lives."""
    threading.Thread(target=_keep_short, args=(log,), name="log", daemon=True).start()


def cut(log: Path) -> None:
    """Leave the newest part of `log`, in place: its writers append to the same file and need not know. Lines that are
    printed in this very moment may be lost. Raises OSError."""
    with log.open("r+b") as file:
        file.seek(-min(KEPT, log.stat().st_size), os.SEEK_END)
        newest = file.read().partition(b"\n")[2]
        file.seek(0)
        file.write(NOTICE % (LIMIT // 2**20) + newest)
        file.truncate()  # only now, so that nobody's line comes before these


def _keep_short(log: Path) -> None:
    while True:
        time.sleep(LOOK)
        with suppress(OSError):  # a full disk, or a run that was moved or deleted
            if log.stat().st_size > LIMIT:
                cut(log)
