"""Names for what is kept: equal exactly where the same work on the same files would give the same result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from studio.data.hub.place import hub_place
from studio.data.part import DataPart
from studio.data.source import data_file
from studio.home import CHECKOUT

Stamp = tuple[str, int, int]
"""A file's path, its size in bytes, and when it was written last in nanoseconds."""


def stamps(part: DataPart) -> tuple[Stamp, ...]:
    """Every file that a data part reads, those in folders included. A file that is not there has none."""
    paths = (part.path, part.held_out_path, *(mixed.path for mixed in part.mix))
    return tuple(stamp for path in paths if path and not _of_hub(path) for stamp in _stamped(data_file(path)))


def names_hub(part: DataPart) -> bool:
    """Whether some of its rows are a dataset of the Hub, which takes a network and time to fetch at first."""
    return any(_of_hub(path) for path in (part.path, part.held_out_path, *(mixed.path for mixed in part.mix)))


def prepared_key(part: DataPart) -> str:
    """The key of what `prepare` makes of a data part, as its files and this version's code are now."""
    return key_of("rows", part.model_dump_json(), stamps(part), data_code())


def key_of(kind: str, *what: object) -> str:
    """A folder's name: the kind, for people who look into the cache, and a digest of what it was made from."""
    text = json.dumps(what, default=str, ensure_ascii=True)
    return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:40]}"


@cache
def data_code() -> str:
    """A digest of the code that reads, checks, divides and encodes rows: another version prepares anew."""
    digest = hashlib.sha256()
    for path in sorted((CHECKOUT / "studio" / "data").rglob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _of_hub(path: str) -> bool:
    return hub_place(path) is not None


def _stamped(path: Path) -> Iterator[Stamp]:
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        for file in files:
            facts = file.stat()
            yield str(file.resolve()), facts.st_size, facts.st_mtime_ns
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return
