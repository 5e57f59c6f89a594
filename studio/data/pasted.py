"""Uploads and pasted text, kept in the studio's home under their content's hash, so that runs can be repeated."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from studio.data.wording import counted
from studio.errors import StudioError

MOST_CHARACTERS = 20_000_000
"""Pasted at once; more belongs in a file, and a browser's box is slow long before."""

LOOK_CHARACTERS = 100_000
LONGEST_NAME = 40
_NO_NAME = re.compile(r"[.!?:]\s*$|[\n\r]")


def keep(uploads: Path, files: Sequence[Path]) -> Path:
    """Where files lie from now on: one file, or a folder that holds several in their order.

    The same content twice is one file. Raises StudioError where there is no room.
    """
    try:
        return _kept(uploads, files)
    except OSError as error:
        raise _no_room(uploads, error) from None


def keep_text(uploads: Path, text: str, stem: str = "pasted") -> Path:
    """Pasted text or a pasted table as a file, whose suffix says what it looks like.

    Raises StudioError for nothing at all, for more than a paste can hold, and where there is no room.
    """
    if not text.strip():
        raise StudioError("Nothing was pasted. Paste rows of a table, JSON, JSONL or plain text.")
    if len(text) > MOST_CHARACTERS:
        raise StudioError(
            f"{len(text):,} characters were pasted, and at most {MOST_CHARACTERS:,} are taken at once. Save the text "
            "as a file and upload that."
        )
    content = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()  # a browser may halve a pair
    file = uploads / hashlib.sha256(content).hexdigest()[:16] / f"{stem}{suffix_of(text)}"
    try:
        if not file.exists():
            with _draft_of(file) as draft:
                draft.write_bytes(content)
    except OSError as error:
        raise _no_room(uploads, error) from None
    return file


def suffix_of(text: str) -> str:
    """What a file of this text would be called: .json, .jsonl, .tsv, .csv or .txt."""
    start = text.lstrip()[:LOOK_CHARACTERS]
    if re.match(r"""\{\s*["}]|\[\s*[\[{"\]]""", start):
        return ".jsonl" if _is_object(start.splitlines()[0]) else ".json"
    if len(_widths(start, "\t")) == 1:
        return ".tsv"
    if any(_is_table(start, delimiter) for delimiter in ",;|"):
        return ".csv"
    return ".txt"


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _rows(text: str, delimiter: str) -> list[list[str]]:
    """The rows of the text read as a table; the last of many may be cut off, so it is left out."""
    whole = text if len(text) < LOOK_CHARACTERS else text[: text.rfind("\n")]
    try:
        return [row for row in csv.reader(io.StringIO(whole, newline=""), delimiter=delimiter) if row]
    except csv.Error:  # a cell as long as a file
        return []


def _widths(text: str, delimiter: str) -> set[int]:
    """How many cells the rows have; empty where that is no table."""
    widths = {len(row) for row in _rows(text, delimiter)}
    return set() if 1 in widths else widths


def _is_table(text: str, delimiter: str) -> bool:
    """Whether it is a table and not prose with commas: even rows under cells that can be names."""
    rows = _rows(text, delimiter)
    if len(rows) < 2 or len(_widths(text, delimiter)) != 1:
        return False
    header = [cell.strip() for cell in rows[0]]
    named = all(0 < len(cell) <= LONGEST_NAME and not _NO_NAME.search(cell) for cell in header)
    return named and len(set(header)) == len(header)


def _kept(uploads: Path, files: Sequence[Path]) -> Path:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    folder = uploads / digest.hexdigest()[:16]
    if len(files) == 1:
        _place(files[0], folder / files[0].name)
        return folder / files[0].name
    folder /= f"{files[0].stem} and {counted(len(files) - 1, 'other file')}"
    for place, file in enumerate(files, 1):
        _place(file, folder / f"{place:03} {file.name}")  # two may have one name, and their order is kept
    return folder


def _place(file: Path, wanted: Path) -> None:
    """The file under another name too: no second copy of its bytes where both are on one disk."""
    if wanted.exists():
        return
    with _draft_of(wanted) as draft:
        try:
            os.link(file, draft)
        except OSError:  # another disk, or one that knows no links
            shutil.copyfile(file, draft)


@contextmanager
def _draft_of(wanted: Path) -> Iterator[Path]:
    """Where to write a file first. It gets its name when it is whole, and goes where the disk has no room for it."""
    wanted.parent.mkdir(parents=True, exist_ok=True)
    draft = wanted.with_name(f".{token_hex(8)}.part")
    try:
        yield draft
        draft.replace(wanted)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _no_room(uploads: Path, error: OSError) -> StudioError:
    return StudioError(f"It could not be kept in {uploads} ({error.strerror}). Free some space and try again.")
