"""A run as one file, to keep or to take to another machine: a zip of its folder with the digest of each file in it.

It is written as a stream, file by file, also while the run goes on: what grows is cut at a whole line, and what
vanishes while it is read is left out as a whole and named. `run_import` reads it back.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Generator, Iterator
from io import RawIOBase
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from pydantic import BaseModel, ConfigDict, Field

from studio import __version__
from studio.errors import StudioError
from studio.run.directory import Run
from studio.share.whole import written_whole

ENDING = ".run.zip"
MANIFEST = "run-file.json"
GROWING = ("events.jsonl", "output.log")  # written line by line
KINDS = frozenset({".json", ".jsonl", ".yaml", ".safetensors", ".jinja", ".txt", ".model", ".md", ".log", ".records"})
CHECKPOINTS = "checkpoints"
OF_CHECKPOINTS = KINDS | {".pt", ".pth", ".bin"}  # optimiser and random state, for weights_only loading
NOT_TAKEN = frozenset({"stop", "exports", "merged", CHECKPOINTS})  # can be made again, or is asked for by itself
BLOCK = 2**20
TRIES, PAUSE = 3, 0.1  # looks for a file that vanished, and seconds between them: a renaming takes less


class Packed(BaseModel):
    """One file of the run: its size in bytes and its SHA-256."""

    model_config = ConfigDict(frozen=True, strict=True)
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class RunFile(BaseModel):
    """The manifest, last in the zip. `left_out` says of what vanished while it was read, why it is not in it."""

    model_config = ConfigDict(frozen=True)
    format: int = Field(default=1, ge=1, le=1)
    run: str
    studio: str = __version__
    files: dict[str, Packed]
    left_out: dict[str, str] = {}


def write_run_file(run: Run, to: Path, checkpoints: bool = False) -> Path:
    """Write the run as one file into the folder `to`, renamed when whole, and return its path.

    Raises:
        StudioError: the run is gone, or the folder cannot be written to.
    """
    if not run.path.is_dir():
        raise StudioError(f"The run {run.name} is no longer there, so there is nothing to export.")
    path = to / f"{run.name}{ENDING}"
    with written_whole(path, "run") as draft, draft.open("wb") as file:
        for block in packed(run, checkpoints):
            file.write(block)
    return path


def packed(run: Run, checkpoints: bool = False) -> Iterator[bytes]:
    """The bytes of the run's file, block by block; no more than a block or two is in memory.

    Args:
        run: any run, also one in progress.
        checkpoints: whether they come along, to go on with the run elsewhere. They are by far the largest part.
    """
    sink, files, left_out = _Sink(), dict[str, Packed](), dict[str, str]()
    with ZipFile(sink, "w") as archive:
        for unit in _units(run, checkpoints):
            try:
                files |= yield from _put_unit(archive, sink, run, unit)
            except OSError as error:
                left_out[_name(run, unit)] = _why(error)
        archive.writestr(MANIFEST, RunFile(run=run.name, files=files, left_out=left_out).model_dump_json(indent=1))
    yield from sink.taken()


class _Sink(RawIOBase):
    """What a zip is written to: holds what was not yet taken on."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, block: bytes) -> int:  # type: ignore[override]
        self._blocks.append(bytes(block))
        return len(block)

    def taken(self) -> Iterator[bytes]:
        """What was written since the last call."""
        blocks, self._blocks = self._blocks, []
        return iter(blocks)


def _units(run: Run, checkpoints: bool) -> Iterator[Path]:
    """What is taken whole or left out: files and folders of the run. The events come first, so that a result that they
    tell of is there when its turn comes."""
    yield run.events_path
    for path in sorted(run.path.iterdir()):
        half_written = path.name.startswith(".") or path.suffix in {".partial", ".old"}
        if path.name not in NOT_TAKEN and path != run.events_path and not half_written:
            yield path
    if checkpoints:
        yield from run.checkpoints()


def _put_unit(archive: ZipFile, sink: _Sink, run: Run, unit: Path) -> Generator[bytes, None, dict[str, Packed]]:
    """Write a file or a folder. Raises OSError where a part of it vanished, or it was replaced by another one."""
    if unit == run.events_path and not unit.exists():
        return {}  # nobody has begun it
    before, files = _inode(unit), {}
    kinds = OF_CHECKPOINTS if unit.parent.name == CHECKPOINTS else KINDS
    for path in sorted(unit.rglob("*")) if unit.is_dir() else [unit]:
        if path.is_dir() or path.is_symlink() or path.suffix not in kinds:
            continue
        files[_name(run, path)] = yield from _put(archive, sink, path, _name(run, path))
    if _inode(unit) != before:
        raise FileNotFoundError
    return files


def _put(archive: ZipFile, sink: _Sink, path: Path, name: str) -> Generator[bytes, None, Packed]:
    entry = ZipInfo(name, time.localtime()[:6])
    entry.compress_type = ZIP_STORED if path.suffix in {".safetensors", ".pt"} else ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    digest, size = hashlib.sha256(), 0
    with _opened(path) as source:
        left = _whole_lines(source) if path.name in GROWING else os.fstat(source.fileno()).st_size
        with archive.open(entry, "w", force_zip64=True) as target:
            while left > 0 and (block := source.read(min(left, BLOCK))):
                target.write(block)
                digest.update(block)
                size, left = size + len(block), left - len(block)
                yield from sink.taken()
    yield from sink.taken()
    return Packed(bytes=size, sha256=digest.hexdigest())


def _opened(path: Path) -> IO[bytes]:
    """The file, looked for again where it is missing for a moment."""
    for _ in range(TRIES - 1):
        try:
            return path.open("rb")
        except FileNotFoundError:
            time.sleep(PAUSE)
    return path.open("rb")


def _whole_lines(file: IO[bytes]) -> int:
    """How many bytes of the file are whole lines."""
    end = os.fstat(file.fileno()).st_size
    while end > 0:
        begin = max(0, end - BLOCK)
        file.seek(begin)
        found = file.read(end - begin).rfind(b"\n")
        if found >= 0:
            end = begin + found + 1
            break
        end = begin
    file.seek(0)
    return end


def _inode(path: Path) -> int:
    return path.stat().st_ino


def _name(run: Run, path: Path) -> str:
    return path.relative_to(run.path).as_posix()


def _why(error: OSError) -> str:
    return "it vanished while it was read" if isinstance(error, FileNotFoundError) else str(error.strerror or error)
