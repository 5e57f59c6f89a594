"""The first rows of a data part, as far as they can be seen without waiting."""

from __future__ import annotations

from studio.data.dataset import Prepared
from studio.data.part import DataPart
from studio.data.source import asked_of_hub
from studio.data.table import Table
from studio.errors import StudioError
from studio.ui.studio import Studio


def first_rows(studio: Studio, part: DataPart) -> Table | None:
    """The file's first rows; None where nothing is chosen, or a dataset of the Hub that is not read yet.

    Raises StudioError where the file cannot be read.
    """
    if not part.path:
        return None
    if asked_of_hub(part):  # a glimpse of it may take a download
        known = studio.desk.known(part)
        return known.table if known is not None else None
    return studio.desk.peek(part)


def known_rows(studio: Studio, part: DataPart) -> Prepared | None:
    """The prepared rows where they are there or a moment away; None where not, or where they cannot be prepared."""
    try:
        return studio.desk.known(part) if part.path else None
    except StudioError:  # the report says it
        return None
