"""All runs of a home in lines, each read again only where its folder has changed."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field

from studio.home import Home
from studio.run.directory import Run, list_runs
from studio.run.history.record import Record
from studio.run.history.summary import Summary, summary_of

Signature = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Look:
    """What is new since an earlier look.

    `now` is what to ask from the next time. `names` are all runs there are, newest first, where a run came or went.
    `more` says that some runs are not read yet: ask again at once.
    """

    now: int
    rows: list[Summary]
    names: list[str] | None
    more: bool


@dataclass
class _Known:
    """A run as it was read last. `changed` is the number of the look that found it so."""

    signature: Signature
    record: Record
    summary: Summary
    changed: int


@dataclass
class History:
    """Remembers what was read, so that a second look at hundreds of runs takes one look at each of their folders.

    For any number of threads. What it remembers can be forgotten at any time: all of it is in the run directories.
    """

    home: Home
    _known: dict[str, _Known] = field(default_factory=dict)
    _names: list[str] = field(default_factory=list)
    _names_changed: int = 0
    _now: int = field(default_factory=lambda: time.time_ns() // 1000)  # after any number of an earlier process
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, since: int = 0, seconds: float = 0.5) -> Look:
        """Look at all runs. Those that have to be read are read newest first for about so many seconds."""
        with self._lock:
            self._now += 1
            runs = list_runs(self.home)[::-1]
            self._count([run.name for run in runs])
            until, more = time.monotonic() + seconds, False
            for run in runs:
                if time.monotonic() < until or run.name in self._known:
                    self._refresh(run)
                else:
                    more = True
            rows = [known.summary for known in self._known.values() if known.changed > since]
            return Look(self._now, rows, self._names if self._names_changed > since else None, more)

    def _count(self, names: list[str]) -> None:
        if names == self._names:
            return
        self._names, self._names_changed = names, self._now
        for gone in set(self._known) - set(names):
            del self._known[gone]

    def _refresh(self, run: Run) -> None:
        try:
            known, signature = self._known.get(run.name), _signature(run)
            if known and known.signature == signature and known.summary.status.over:
                return
            status = run.status()
            if known and known.signature == signature and known.summary.status is status:
                return
            record = (known.record if known else Record()).after(run)
            summary = summary_of(run, record, status)
            self._known[run.name] = _Known(signature, record, summary, self._now)
        except OSError:  # deleted between two looks
            self._known.pop(run.name, None)


def _signature(run: Run) -> Signature:
    """Changes when anything in the folder comes, goes or is written: what lies deeper is renamed when whole."""
    with os.scandir(run.path) as entries:
        stats = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
    return tuple(sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats))
