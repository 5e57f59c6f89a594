"""Beginning an evaluation once, however often it is asked: what is asked twice is one folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from studio.answer.evaluation.folder import Evaluation
from studio.errors import StudioError
from studio.home import Home
from studio.run.alone import alone
from studio.ui.evaluate.told import UNDER_WAY


class Begun(NamedTuple):
    """`again`: it was there already, waiting or under way."""

    evaluation: Evaluation
    again: bool


def begun_once(home: Home, begin: Callable[[], Evaluation], others: Callable[[], list[Evaluation]]) -> Begun:
    """Begin an evaluation, unless one of the `others` that waits or is under way asks the same of the same rows.

    Raises:
        StudioError: as `begin` does, or the home cannot be written to.
    """
    try:
        home.baselines.mkdir(parents=True, exist_ok=True)
        with alone(home.baselines):
            before = [each for each in others() if each.status() in UNDER_WAY]
            new = begin()
            same = next((each for each in before if _alike(each, new)), None)
            if same is None:
                return Begun(new, False)
            shutil.rmtree(new.path, ignore_errors=True)
            return Begun(same, True)
    except OSError as error:
        raise StudioError(
            f"The evaluation could not be begun: {home.root} cannot be written to ({error.strerror}). Free some space "
            "or set another STUDIO_HOME."
        ) from error


def _alike(one: Evaluation, other: Evaluation) -> bool:
    try:
        return one.request == other.request and _rows(one.path) == _rows(other.path)
    except (StudioError, OSError):
        return False


def _rows(folder: Path) -> bytes:
    return (folder / "rows.jsonl").read_bytes()
