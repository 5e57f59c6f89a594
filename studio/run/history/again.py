"""A run once more, as it was: the same recipe over the very rows that it was trained on."""

from __future__ import annotations

import shutil

from studio.errors import StudioError
from studio.home import Home
from studio.run.alone import alone
from studio.run.branch import parent_of
from studio.run.directory import Run, drafted, list_runs, name_run
from studio.run.manifest import OF_RUN


def again(home: Home, run: Run) -> Run:
    """Put a run into the queue that is begun from what `run` was begun from; its source file is not needed.

    Raises:
        StudioError: it is a branch, the same is in the queue already, or its folder cannot be copied.
    """
    if parent := parent_of(run):
        raise StudioError(
            f"The run {run.name} is a branch: it went on from step {parent.step:,} of {parent.run}. Branch from there "
            "again in the Run tab, or take its recipe and press Train to begin with the base model."
        )
    refused = f"The run {run.name} could not be copied"
    with drafted(home, refused + " ({why}). Look whether its folder is whole and the disk has room") as draft:
        draft.mkdir()
        shutil.copytree(run.path / "data", draft / "data")
        shutil.copy(run.path / "recipe.yaml", draft)
        with alone(home.runs):  # two clicks may come at once
            if twin := next((other for other in list_runs(home) if _same_in_queue(other, run)), None):
                raise StudioError(f"The same run is in progress already, as {twin.name}. Watch it in the Run tab.")
            return name_run(home, draft)


def _same_in_queue(other: Run, run: Run) -> bool:
    if other.status().over:
        return False
    try:
        return all((other.path / name).read_bytes() == (run.path / name).read_bytes() for name in OF_RUN)
    except OSError:
        return False
