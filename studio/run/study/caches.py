"""What was worked out once and is kept on the disk: folders under keys, whole or absent, the oldest dropped first."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

CAP = 5 * 2**30  # bytes that all entries together may take
LEFT_BEHIND = 3600.0  # seconds after which a draft that nobody holds was left by a process that died
IN_USE = "in-use"  # the file of an entry that its readers hold a shared lock on

Warn = Callable[[str], None]


def unheard(_: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Entry:
    """A folder of the cache. It is not dropped while this object lives, in whatever process."""

    path: Path
    _held: IO[bytes]


class Cache:
    """Entries under keys, each a folder of files. May be used from many threads and processes at a time.

    An entry is written elsewhere and renamed, so that it is whole or not there. Beyond `cap` bytes those used longest
    ago are dropped, never one that is being read. Where the disk refuses, work goes on without the entry and `warn` is
    told.
    """

    def __init__(self, folder: Path, cap: int = CAP, warn: Warn = unheard) -> None:
        self.folder = folder
        self._cap = cap
        self._warn = warn

    def find(self, key: str) -> Entry | None:
        """The entry under `key`, held; None where there is none."""
        path = self.folder / key
        try:
            held = (path / IN_USE).open("rb")
        except OSError:
            return None
        try:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
            os.utime(path)  # fails where the entry was dropped before it was held
        except OSError:
            held.close()
            return None
        return Entry(path, held)

    def keep(self, key: str, write: Callable[[Path], None]) -> Entry | None:
        """The entry under `key`, filled by `write(folder)` where there is none yet; None where the disk refuses."""
        found = self.find(key)
        if found is not None:
            return found
        draft = self.folder / f".new-{uuid.uuid4().hex}"
        try:
            self.folder.mkdir(exist_ok=True)
            draft.mkdir()
            with (draft / IN_USE).open("wb") as held:
                fcntl.flock(held, fcntl.LOCK_SH)
                write(draft)
                self._put(draft, self.folder / key)
                found = self.find(key)
        except OSError as error:
            self._warn(_refused(self.folder, error))
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        self._make_room()
        return found

    def _put(self, draft: Path, path: Path) -> None:
        try:
            draft.rename(path)
        except OSError:
            if not path.is_dir():  # else another process was quicker, with the same content
                raise

    def _make_room(self) -> None:
        with suppress(OSError):  # another process may tidy up at the same time
            entries = sorted(self._entries(), key=lambda entry: entry.stat().st_mtime_ns)
            sizes = [_size(entry) for entry in entries]
            excess = sum(sizes) - self._cap
            for entry, size in zip(entries, sizes, strict=True):
                if excess <= 0:
                    return
                if _drop(entry):
                    excess -= size

    def _entries(self) -> Iterator[Path]:
        """Every whole entry. What dead processes left behind is cleared away on the walk."""
        for path in self.folder.iterdir():
            if not path.name.startswith("."):
                yield path
            elif time.time() - path.stat().st_mtime > LEFT_BEHIND:
                _drop(path)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def _drop(entry: Path) -> bool:
    """Remove an entry that nobody reads: renamed first, so that it is never half there. False where it is in use."""
    with suppress(OSError), (entry / IN_USE).open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        gone = entry.with_name(f".old-{uuid.uuid4().hex}")
        entry.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
        return True
    return False


def _refused(folder: Path, error: OSError) -> str:
    why = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)
    return (
        f"What was worked out could not be kept in {folder} ({why}), so it is worked out again when it is needed next. "
        "Free some space to spare that time."
    )
