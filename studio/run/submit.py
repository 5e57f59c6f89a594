"""From a recipe to a run in the queue: its rows read and divided, everything checked, the directory made."""

from __future__ import annotations

from functools import lru_cache

from studio.data.dataset import Prepared, prepare
from studio.data.part import DataPart
from studio.data.source import data_file
from studio.errors import StudioError
from studio.home import Home
from studio.recipe.hardware import detect
from studio.recipe.problems import problems
from studio.recipe.recipe import Recipe
from studio.run.directory import Run, create_run, list_runs


def prepare_part(data: DataPart) -> Prepared:
    """The rows of a recipe's data part. Raises StudioError where a file cannot be read or its columns are not known.

    The last few answers are kept while their files stay as they are, because each move of a slider asks again.
    """
    return _prepared(data, _stamp(data.path), _stamp(data.held_out_path))


@lru_cache(maxsize=4)
def _prepared(data: DataPart, *_: float) -> Prepared:
    return prepare(data)


def _stamp(path: str) -> float:
    """When a file was written last, in seconds; 0 where there is none."""
    try:
        return data_file(path).stat().st_mtime
    except OSError:
        return 0.0


def submit(home: Home, recipe: Recipe) -> Run:
    """Check `recipe`, freeze its rows and put its run into the queue.

    Raises:
        StudioError: everything that stands in the way, at once.
    """
    prepared = prepare_part(recipe.data) if recipe.data.path else None
    found = [problem.message for problem in problems(recipe, prepared, detect()) if problem.severity == "error"]
    if found:
        raise StudioError(*found)
    assert prepared is not None
    twin = _twin(home, recipe, prepared.fingerprint)
    if twin:
        raise StudioError(
            f"This very recipe with these very rows is already in progress as {twin.name}. Watch it in the Run tab, "
            "or change something first."
        )
    return create_run(home, recipe, prepared)


def _twin(home: Home, recipe: Recipe, fingerprint: str) -> Run | None:
    """A run not yet over that asks for the same thing: what a second click would make."""
    wanted = recipe.to_yaml()
    for run in list_runs(home):
        same = (run.path / "recipe.yaml").read_text("utf-8", "replace") == wanted
        if same and not run.status().over and run.source()["fingerprint"] == fingerprint:
            return run
    return None
