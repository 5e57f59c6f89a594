"""Files that are taken away: written elsewhere, renamed when whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from studio.errors import StudioError


@contextmanager
def written_whole(path: Path, what: str) -> Iterator[Path]:
    """Where to write the file that is to lie at `path`, in a folder that is made where it is missing.

    Raises:
        StudioError: the folder cannot be written to; `what` could not be.
    """
    to = path.parent
    draft = to / f".{path.name}.{os.getpid()}"
    try:
        to.mkdir(parents=True, exist_ok=True)
        yield draft
        draft.replace(path)
    except OSError as error:
        raise StudioError(
            f"The {what} could not be written to {to} ({error.strerror}). Free some space or name another folder."
        ) from error
    finally:
        if to.is_dir():
            draft.unlink(missing_ok=True)
