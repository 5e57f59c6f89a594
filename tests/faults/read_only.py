"""A folder as if its disk had become read-only: also for root, for whom permissions are no hindrance."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {"os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir", "os.symlink", "os.truncate", "os.utime"}

_folders: list[str] = []


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nothing in `folder` can be written by this process until the block ends."""
    if not _hooked:
        sys.addaudithook(_look)  # for as long as this process lives; it hinders nothing outside of such a block
        _hooked.append(True)
    _folders.append(str(folder))
    try:
        yield
    finally:
        _folders.remove(str(folder))


_hooked: list[bool] = []


def _look(event: str, arguments: tuple[object, ...]) -> None:
    if not _folders:
        return
    changes = event in CHANGES or (event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES)
    if changes and any(_inside(each) for each in arguments[:2]):
        raise OSError(errno.EROFS, "Read-only file system")


def _inside(path: object) -> bool:
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else ""
    return any(str(text).startswith(folder) for folder in _folders)
