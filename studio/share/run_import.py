"""A run's file (see `run_file`) back into a run of this home. Nothing in the file is trusted."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import shutil
import stat
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from pydantic import ValidationError

from studio.answer.evaluation.folder import evaluations_of
from studio.errors import StudioError
from studio.home import Home
from studio.recipe.model_folder import check_folder
from studio.run.directory import Run, Status, new_draft
from studio.run.wish import Wish, write_wish
from studio.share.run_file import BLOCK, CHECKPOINTS, KINDS, MANIFEST, OF_CHECKPOINTS, Packed, RunFile

MOST_FILES, LARGEST_MANIFEST, LONGEST_NAME = 20_000, 20_000_000, 200
SPARE = 100_000_000  # bytes that stay free on the disk; and what a file may hold however small it is
MOST_PRESSED = 100  # times its size is the most that it may hold beyond that
RUN_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,99}")
PART = re.compile(r"[A-Za-z0-9_][^\\/:\x00-\x1f]*")  # of a path: no hidden file, no drive, no way up
LARGEST_SETTINGS = 1_000_000  # bytes of an adapter's settings; they have about 1 kB
LARGEST_NUMBER, LONGEST_PATTERN, MOST_STARS = 100_000, 2000, 4
COUNTS_OF_STEPS = {"total_step", "tinit", "tfinal", "deltaT"}  # AdaLoRA's, which take no memory
REPEATED_GROUP = re.compile(r"\)\s*[*+{]")  # such patterns can take for ever to match
NEEDED = ("recipe.yaml", "data/source.json", "data/train.jsonl")


def read_run_file(home: Home, file: Path) -> Run:
    """Make a run of a run's file: verified, under a name that is free. It is never waiting and never in progress.

    Raises:
        StudioError: it is no such file, it is damaged or unsafe, or the disk has no room for it.
    """
    draft = new_draft(home)
    try:
        with ZipFile(file) as archive:
            told = _told(archive)
            _refuse_unsafe(archive, told, file.stat().st_size, shutil.disk_usage(home.runs).free)
            for name, expected in told.files.items():
                _extract(archive, name, expected, draft / name)
        _settle(Run(draft))
        return _named(home, draft, told.run)
    except (BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise StudioError(
            f"{file.name} is not a whole run file ({error!s:.200}). Export the run again and copy the file anew."
        ) from error
    except OSError as error:
        raise StudioError(
            f"{file.name} could not be unpacked ({error.strerror or error}). Free some space, or look whether the file "
            "may be read."
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _told(archive: ZipFile) -> RunFile:
    try:
        entry = archive.getinfo(MANIFEST)
        if entry.file_size > LARGEST_MANIFEST:
            raise StudioError(f"The {MANIFEST} in this file is larger than any run's. It is not unpacked.")
        with archive.open(entry) as file:
            told = RunFile.model_validate_json(file.read(LARGEST_MANIFEST))
    except (KeyError, ValidationError):
        raise StudioError(
            f"This zip is not a run of the studio: it has no {MANIFEST} that can be read. Choose a file that "
            "was made by “Export as one file”, or by `export RUN --as run`."
        ) from None
    if not RUN_NAME.fullmatch(told.run):
        raise StudioError(f"The file says that its run is called {told.run!r:.60}, which no run can be.")
    return told


def _refuse_unsafe(archive: ZipFile, told: RunFile, size: int, free: int) -> None:
    """Raise StudioError where unpacking could write elsewhere, or more than a run has."""
    entries = archive.infolist()
    if len(entries) > MOST_FILES:
        raise StudioError(f"The file holds {len(entries):,} files, more than any run has. It is not unpacked.")
    names = [entry.filename for entry in entries]
    if len({name.casefold() for name in names}) < len(names):
        raise StudioError("The file holds two files of one name. It is not unpacked.")
    for entry in entries:
        if reason := _unsafe(entry):
            raise StudioError(f"The file holds {entry.filename!r:.120}, which {reason}. It is not unpacked.")
    if missing := sorted(set(told.files) - set(names)):
        raise StudioError(f"The file is not whole: {missing[0]:.120} is missing. Export the run again.")
    if lacking := [name for name in NEEDED if name not in told.files]:
        raise StudioError(f"The file is not a whole run: it has no {lacking[0]}. Export the run again.")
    whole = sum(entry.file_size for entry in entries)
    if whole > SPARE + MOST_PRESSED * size:
        raise StudioError(f"The file has {size:,} bytes and would become {whole:,}: no run does. It is not unpacked.")
    if whole > free - SPARE:
        raise StudioError(f"The run takes {whole:,} bytes and the disk has {free:,}. Free some space first.")


def _unsafe(entry: ZipInfo) -> str:
    """Why a file in the zip is not unpacked, as the end of a sentence; empty where it may be."""
    parts = entry.filename.split("/")
    if not all(PART.fullmatch(part) for part in parts) or len(entry.filename) > LONGEST_NAME:
        return "leads out of the run's folder or is hidden"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "is a link"
    kinds = OF_CHECKPOINTS if parts[0] == CHECKPOINTS else KINDS
    if not any(entry.filename.endswith(kind) for kind in kinds):
        return "is of a kind that a run does not have there"
    if entry.flag_bits & 1 or entry.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        return "is locked or packed in an unusual way"
    return ""


def _extract(archive: ZipFile, name: str, expected: Packed, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    digest, left = hashlib.sha256(), expected.bytes
    with archive.open(name) as source, to.open("xb") as target:
        while left >= 0 and (block := source.read(BLOCK)):
            left -= len(block)
            digest.update(block)
            target.write(block)
    if left or digest.hexdigest() != expected.sha256:
        raise StudioError(f"{name} in the file is not as it was written: it is damaged. Export the run again.")


def _settle(run: Run) -> None:
    """See that it is a run, and that it rests: one that had not ended when it was exported is paused.

    Raises:
        StudioError: its recipe or its rows cannot be read, or its result is not safe to load.
    """
    _ = run.recipe
    _ = run.source()
    if run.adapter.is_dir():
        _refuse_hostile(run.adapter)
    if run.model.is_dir():
        check_folder(run.model, "in this file")
    if run.ended() is None:
        run.owner_path.unlink(missing_ok=True)  # a process of another time or machine
        write_wish(run.stop_path, Wish.PAUSE)
    for evaluation in evaluations_of(run):
        if evaluation.status() is not Status.FINISHED:  # it would be gone on with, and may ask anybody anything
            shutil.rmtree(evaluation.path)


def _refuse_hostile(adapter: Path) -> None:
    """Raise StudioError for an adapter whose settings would take all memory, or all time, when it is loaded."""
    path = adapter / "adapter_config.json"
    settings = json.loads(path.read_text("utf-8")) if path.stat().st_size < LARGEST_SETTINGS else None
    if not isinstance(settings, dict) or not _bounded(settings):
        raise StudioError(
            "The adapter in this file has settings that no method of the studio makes (adapter_config.json). It is not "
            "unpacked."
        )


def _bounded(value: object) -> bool:
    if isinstance(value, dict):
        return all(key in COUNTS_OF_STEPS or _bounded(each) for key, each in value.items())
    if isinstance(value, str):  # it may be a pattern for the names of layers
        return len(value) < LONGEST_PATTERN and not REPEATED_GROUP.search(value) and value.count("*") <= MOST_STARS
    return not isinstance(value, int) or abs(value) <= LARGEST_NUMBER


def _named(home: Home, draft: Path, name: str) -> Run:
    """Give the run the name that it had, or with a number where that is taken."""
    for number in itertools.count(1):
        path = home.runs / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return Run(draft.rename(path))
    raise AssertionError("counting has no end")
