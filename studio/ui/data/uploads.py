"""What may be uploaded, and keeping it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from studio.data.files.read import SUFFIXES
from studio.data.pasted import keep
from studio.errors import StudioError
from studio.home import Home
from studio.ui.refusal import refusal

FILE_TYPES = list(SUFFIXES)
"""What an upload may be called; what a file is, its content decides."""


def kept(home: Home, files: Sequence[str]) -> str:
    """Where uploads lie from now on, as a recipe names it. Raises the page's refusal where there is no room."""
    try:
        return str(keep(home.uploads, [Path(file) for file in files]))
    except StudioError as error:
        raise refusal(error, "Not kept") from None
