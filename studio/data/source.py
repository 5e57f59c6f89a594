"""Where rows come from: what a recipe's path names."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from studio.data.hub.dataset import Tell, fetched
from studio.data.hub.place import SCHEME, HubPlace, hub_place
from studio.data.hub.words import is_hub_id
from studio.data.part import DataPart
from studio.data.wording import quoted
from studio.errors import StudioError
from studio.home import CHECKOUT, open_home

_SUFFIX = re.compile(r"\.[A-Za-z]\w{1,6}$")  # of a file; names on the Hub end in a point and a number at most


def data_file(path: str) -> Path:
    """The file that a recipe names: as seen from the working directory, else from the studio's own folder."""
    asked = Path(path).expanduser()
    inside = CHECKOUT / asked
    return inside if not asked.exists() and inside.exists() else asked


def located(
    part: DataPart,
    uploads: Path | None = None,
    tell: Tell = lambda what, done, total: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Path:
    """The file or folder of a data part's rows. Those of a Hub dataset are fetched once and kept in `uploads` (that of
    the studio's home where None), in the subset and split of `part.reading`.

    Raises StudioError where a dataset cannot be fetched, and where an id of the Hub was written like a file's name.
    """
    if place := asked_of_hub(part):
        return fetched(place, uploads or open_home().uploads, tell, stopped)
    path = data_file(part.path)
    if (suggested := suggestion(part.path)) is not None:
        raise StudioError(
            f"There is no file {quoted(part.path, 200)}. If you mean the dataset of that name on the Hugging Face Hub, "
            f"write {suggested}."
        )
    return path


def asked_of_hub(part: DataPart) -> HubPlace | None:
    """The subset and split of a Hub dataset that a data part names; None where it names a file or a folder.

    A pasted address may name them too; what `part.reading` says comes first.
    """
    place = hub_place(part.path)
    if place is None:
        return None
    usual = type(part.reading)().split
    chosen = part.reading.split if part.reading.split != usual else place.split or usual
    return HubPlace(place.id, place.revision, part.reading.subset or place.subset, chosen)


def suggestion(path: str) -> str | None:
    """How a recipe would name the Hub dataset `owner/name`, where that is all that `path` says and no such file is."""
    text = path.strip()
    if _SUFFIX.search(text) or not is_hub_id(text) or data_file(text).exists():
        return None
    return f"{SCHEME}{text}"
