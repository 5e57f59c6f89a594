"""A file on disk as a table, by whatever its name and its content say it is."""

from collections.abc import Callable
from pathlib import Path, PurePath

from studio.data.delimited import read_delimited
from studio.data.json_rows import read_json
from studio.data.part import Reading
from studio.data.table import Table
from studio.data.text import Text, decode
from studio.data.wording import quoted
from studio.errors import StudioError

MAX_FILE_BYTES = 2**30

Reader = Callable[[Text], Table]

READERS: tuple[tuple[tuple[str, ...], Reader], ...] = (
    ((".csv", ".tsv", ".tab", ".txt"), read_delimited),
    ((".json", ".jsonl", ".ndjson"), read_json),
)
"""Each reader with the suffixes it answers to. A file of another suffix is read by what its content looks like."""

SUFFIXES = tuple(suffix for suffixes, _ in READERS for suffix in suffixes)


def read(path: Path, name: str | None = None, reading: Reading | None = None) -> Table:
    """The file's rows. `name` is what the user calls the file, where its path says something else; `reading` says
    how its bytes become cells, where that is not to be detected.

    Raises StudioError for everything that keeps it from being read: what is wrong, where, and what to do.
    """
    path = Path(path)
    name = PurePath(name).name if name else path.name
    text = decode(_bytes(path, name), name)
    return _reader(text)(text)


def _bytes(path: Path, name: str) -> bytes:
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise StudioError(f"{quoted(name)} is a folder. Choose one CSV, JSON or JSONL file in it.")
        if not path.is_file():
            raise StudioError(f"{quoted(name)} is not a regular file. Choose a CSV, JSON or JSONL file.")
        if size > MAX_FILE_BYTES:
            raise StudioError(
                f"{quoted(name)} has {size / 2**30:.1f} GiB and at most {MAX_FILE_BYTES / 2**30:.0f} GiB is read. "
                "Train on a part of it: the first 100,000 rows are plenty to begin with."
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise StudioError(f"There is no file {quoted(str(path), 200)}. Choose it again, or correct the path.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise StudioError(f"{quoted(name)} cannot be opened: {reason}. Choose another file.") from None


def _reader(text: Text) -> Reader:
    """By suffix, except that text which opens like JSON is JSON: no CSV header begins with a brace or `[{`."""
    suffix = PurePath(text.name).suffix.lower()
    start = "".join(text.content[:200].split())
    if start.startswith(("{", "[{")):
        return read_json
    for suffixes, reader in READERS:
        if suffix in suffixes:
            return reader
    return read_json if start.startswith("[") else read_delimited
