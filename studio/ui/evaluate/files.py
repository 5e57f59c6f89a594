"""The files that new data can come from: what was uploaded, and the bundled samples. They go by ids, never by paths."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterable
from pathlib import Path, PurePath
from tempfile import mkdtemp

from starlette.concurrency import run_in_threadpool

from studio.data.part import DataPart, Reading
from studio.data.pasted import keep
from studio.data.source import data_file
from studio.errors import StudioError
from studio.home import Home
from studio.run.directory import Run
from studio.ui.data.samples import sample_paths, samples
from studio.ui.data.uploads import FILE_TYPES
from studio.ui.routes import Json

LARGEST = 1_000_000_000  # bytes
MOST_LISTED = 100
LONGEST_NAME = 120  # letters of an upload's name
GONE = "This file is no longer there. Choose another one, or upload it again."
_SAMPLE = "sample:"
_ID = re.compile(r"[0-9a-f]{4,64}")


def files(home: Home) -> list[Json]:
    """What can be chosen, the newest upload first."""
    found = sorted(_uploads(home), key=lambda path: path.stat().st_mtime, reverse=True)[:MOST_LISTED]
    uploaded = [{"id": path.parent.name, "name": path.name, "about": "uploaded"} for path in found]
    return [*uploaded, *({"id": _SAMPLE + name, "name": name, "about": "bundled sample"} for name in samples())]


def _uploads(home: Home) -> list[Path]:
    """Uploads lie each in a folder named after its content, in which it is alone."""
    every = home.uploads.glob("*/*") if home.uploads.is_dir() else ()
    return [path for path in every if _ID.fullmatch(path.parent.name) and not path.name.startswith(".")]


def part_for(home: Home, run: Run, file: str) -> DataPart:
    """Those rows, read as the run's own were: the same columns, templates and kind of cells, nothing held out.

    Raises:
        StudioError: the file is no longer there.
    """
    own, path = run.recipe.data, _path(home, file)
    alike = PurePath(own.path).suffix == PurePath(path).suffix
    return DataPart(
        path=path,
        reading=own.reading if alike else Reading(),
        prompt_column=own.prompt_column,
        completion_column=own.completion_column,
        mapped=own.mapped,
        held_out_share=0.0,
    )


def _path(home: Home, file: str) -> str:
    if file.startswith(_SAMPLE):
        if (name := file.removeprefix(_SAMPLE)) in samples():
            return sample_paths(name)[0]
        raise StudioError(GONE)
    for path in _uploads(home):
        if path.parent.name == file:
            return str(path)
    raise StudioError(GONE)


async def upload(home: Home, name: str, body: AsyncIterable[bytes]) -> Json:
    """Keep what a browser sends as a file of that name, and tell its id.

    Raises:
        StudioError: its name says that it is no kind of file that is read, it is empty or too large, or there is no
            room for it.
    """
    plain = PurePath(name.replace("\\", "/")).name[-LONGEST_NAME:].lstrip(".")
    if not plain.lower().endswith(tuple(FILE_TYPES)):
        raise StudioError(
            f"{plain or 'This file'} is of no kind that is read here. Take one of: {', '.join(FILE_TYPES)}."
        )
    folder = Path(mkdtemp(prefix=".upload-", dir=home.uploads))
    try:
        with (folder / plain).open("wb") as file:
            size = 0
            async for chunk in body:
                size += len(chunk)
                if size > LARGEST:
                    raise StudioError(f"{plain} has more than {LARGEST / 1e9:g} GB. Take a part of its rows.")
                file.write(chunk)
        if not size:
            raise StudioError(f"{plain} is empty. Choose a file with rows.")
        kept = await run_in_threadpool(keep, home.uploads, [folder / plain])
    except OSError as error:
        raise StudioError(
            f"{plain} could not be kept ({error.strerror}). Free some space and send it again."
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {"id": data_file(str(kept)).parent.name, "name": kept.name}
