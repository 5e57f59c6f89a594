"""From a recipe to a run in the queue: its rows read and divided, everything checked, the directory made."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from studio.data.dataset import Prepared, prepare
from studio.data.part import DataPart
from studio.errors import StudioError
from studio.home import Home
from studio.recipe.hardware import detect
from studio.recipe.problems import Figures, problems
from studio.recipe.read import changed
from studio.recipe.recipe import Recipe
from studio.run.alone import alone
from studio.run.begun_from import run_to_begin_from
from studio.run.directory import Run, create_run, list_runs
from studio.run.looks.probes import PROBES, Probe, probes_for, to_lines
from studio.run.study.caches import Cache
from studio.run.study.keys import Stamp, stamps
from studio.run.study.store import store, stored
from studio.run.study.tokens import Tell, untold


def prepare_part(data: DataPart, home: Home | None = None, tell: Tell = untold) -> Prepared:
    """The rows of a recipe's data part. Raises StudioError where a file cannot be read or its columns are not known.

    The last few answers are kept while their files stay as they are, because each move of a slider asks again. With a
    `home`, what was made of a large file is taken from its cache, or put there, so that no other process reads it anew.
    `tell` hears what is being done, how far it is and of how many.
    """
    return _prepared(_Asked(data, stamps(data), home, tell))


@dataclass(frozen=True)
class _Asked:
    """The rows asked for, as their files are now. Where they may be kept, and who hears of it, changes none."""

    data: DataPart
    stamps: tuple[Stamp, ...]
    home: Home | None = field(compare=False)
    tell: Tell = field(compare=False)


@lru_cache(maxsize=4)
def _prepared(asked: _Asked) -> Prepared:
    if asked.home is None:
        return prepare(asked.data, asked.tell)
    cache = Cache(asked.home.cache)
    return stored(cache, asked.data) or store(
        cache, asked.data, prepare(asked.data, asked.tell, uploads=asked.home.uploads)
    )


def submit(home: Home, recipe: Recipe, notes: Mapping[str, str] | None = None) -> Run:
    """Check `recipe`, freeze its rows and put its run into the queue. `notes` are texts to lie beside it, by file name.

    Raises:
        StudioError: everything that stands in the way, at once.
    """
    if not home.runs.is_dir():
        raise StudioError(
            f"The studio's home {home.root} is gone, so no run can be kept. Bring its folder or its disk back and "
            "press Train again, or start the studio with another STUDIO_HOME. Nothing was started."
        )
    prepared = prepare_part(recipe.data, home) if recipe.data.path else None
    figures = Figures(disk=shutil.disk_usage(home.root).free)
    every = problems(recipe, prepared, detect(), figures)
    found = [problem.message for problem in every if problem.severity == "error"]
    probes: list[Probe] = []
    try:
        probes = probes_for(recipe)
    except StudioError as error:
        found += error.problems
    if found:
        raise StudioError(*found)
    assert prepared is not None
    begins = run_to_begin_from(home, recipe)
    if begins is not None:
        recipe = changed(recipe, {"task.begin_from": begins.name})
    with alone(home.runs):  # two clicks may come at once, in two tabs or two processes
        twin = _twin(home, recipe, prepared.fingerprint)
        if twin:
            raise StudioError(
                f"This very recipe with these very rows is already in progress as {twin.name}. Watch it in the Run "
                "tab, or change something first."
            )
        watched = {PROBES: to_lines(probes)} if probes else {}
        return create_run(home, recipe, prepared, {**(notes or {}), **watched}, begins.adapter if begins else None)


def _twin(home: Home, recipe: Recipe, fingerprint: str) -> Run | None:
    """A run not yet over that asks for the same thing: what a second click would make."""
    wanted = recipe.to_yaml()
    for run in list_runs(home):
        same = (run.path / "recipe.yaml").read_text("utf-8", "replace") == wanted
        if same and not run.status().over and run.source()["fingerprint"] == fingerprint:
            return run
    return None
