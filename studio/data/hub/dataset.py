"""Datasets of the Hugging Face Hub: what they hold, and fetching a part of one into a file of this machine."""

from __future__ import annotations

import hashlib
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from studio.data.hub.place import HubPlace
from studio.data.hub.wire import (
    MOST_BYTES,
    MOST_ROWS,
    PROGRESS,
    ROWS_FILE,
    Done,
    Failed,
    Found,
    Progress,
    Request,
    SoFar,
)
from studio.errors import StudioError
from studio.home import CHECKOUT

CHILD = ("-m", "studio.data.hub.child")
LOOK = 0.2  # seconds between looks whether it was cancelled
PARTING = 5.0  # seconds that a cancelled fetch has to tidy up

Tell = Callable[[str, int, int], None]
"""What is done, how many rows so far, how many in all (0 where that is not known)."""


def choices(place: HubPlace, stopped: Callable[[], bool] = lambda: False) -> dict[str, tuple[str, ...]]:
    """The splits of each subset, the default subset first.

    Raises StudioError where the dataset cannot be looked at (missing, gated, offline, no plain rows), with what to do.
    """
    last = _answered(Request(id=place.id, revision=place.revision), lambda what, done, total: None, stopped)
    assert isinstance(last, Found)
    return dict(sorted(last.choices.items(), key=lambda each: each[0] != "default"))


def fetched(
    place: HubPlace,
    uploads: Path,
    tell: Tell = lambda what, done, total: None,
    stopped: Callable[[], bool] = lambda: False,
    most_rows: int = MOST_ROWS,
    most_bytes: int = MOST_BYTES,
) -> Path:
    """A Parquet file with the rows of the place's subset and split, fetched where `uploads` does not hold them yet.

    A split may end in `[:1000]`: its first 1,000 rows. Beside the file lies provenance.json. What was fetched once is
    not fetched again, so that a recipe trains on the same rows tomorrow; remove its folder to fetch anew.

    Raises StudioError where it cannot be fetched, or was `stopped`.
    """
    named = f"{place.id}@{place.revision} {place.subset} {place.split}"
    folder = uploads / "hub" / hashlib.sha256(named.encode()).hexdigest()[:16]
    file = folder / f"{_file_name(place)}.parquet"
    if file.is_file():
        return file
    with _draft(folder.parent, place) as draft:
        request = Request(
            id=place.id,
            revision=place.revision,
            subset=place.subset,
            split=place.split,
            draft=str(draft),
            most_rows=most_rows,
            most_bytes=most_bytes,
        )
        _answered(request, tell, stopped)
        (draft / ROWS_FILE).rename(draft / file.name)
        try:
            draft.rename(folder)
        except OSError:
            if not file.is_file():  # else somebody else was quicker, with the same rows
                raise
    return file


def provenance(file: Path) -> Done | None:
    """Where the rows of a file came from; None where it was not fetched from the Hub."""
    try:
        return Done.model_validate(json.loads((file.parent / "provenance.json").read_text("utf-8")))
    except (OSError, ValueError):
        return None


def _file_name(place: HubPlace) -> str:
    parts = (place.id.rpartition("/")[2], place.subset, place.split)
    return re.sub(r"[^\w.]+", "-", "-".join(filter(None, parts))).strip("-.")[:100]


@contextmanager
def _draft(folder: Path, place: HubPlace) -> Iterator[Path]:
    """A folder to write into, gone afterwards unless it was renamed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".part-", dir=folder))
    except OSError as error:
        raise StudioError(
            f"{place.id} cannot be kept in {folder} ({error.strerror}). Free some space, or set STUDIO_HOME to a "
            "folder that is yours."
        ) from None
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _answered(request: Request, tell: Tell, stopped: Callable[[], bool]) -> Progress:
    """The child's last line. Raises StudioError where it failed, was stopped, or vanished."""
    what = f"Fetching {request.id}" if request.draft else f"Looking at {request.id}"
    tell(what, 0, 0)
    with _child(request) as lines:
        while True:
            try:
                line = lines.get(timeout=LOOK)
            except queue.Empty:
                line = b"?"
            if stopped():
                raise StudioError(f"{what} was cancelled. Nothing of it was kept.")
            match line:
                case b"?":
                    continue
                case None:
                    raise StudioError(
                        f"{what} ended unexpectedly, most likely because the memory was not enough. Try again, or take "
                        "fewer rows by a split such as train[:10000]."
                    )
            match message := PROGRESS.validate_json(line):
                case SoFar(done=done, total=total):
                    tell(what, done, total or 0)
                case Failed(message=words):
                    raise StudioError(words)
                case _:
                    return message


@contextmanager
def _child(request: Request) -> Iterator[queue.SimpleQueue[bytes | None]]:
    """The lines of a child, then None. Leaving the block ends it."""
    quiet = {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLEPROGRESS_BARS": "1", "PYTHONPATH": str(CHECKOUT)}
    process = subprocess.Popen(
        [sys.executable, *CHILD, request.model_dump_json()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=CHECKOUT,
        env=os.environ | quiet,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def listen(said: Iterator[bytes]) -> None:
        for line in said:
            lines.put(line)
        lines.put(None)

    listener = threading.Thread(target=listen, args=(process.stdout,), daemon=True)
    listener.start()
    try:
        yield lines
    finally:
        process.stdin.close()
        try:
            process.wait(PARTING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        listener.join(PARTING)
        process.stdout.close()
