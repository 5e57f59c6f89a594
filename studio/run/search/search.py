"""A search is a folder with its plan; its trials are runs that name it. Nothing else is kept."""

from __future__ import annotations

import json
import math
import os
import random
import shutil
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from studio.errors import StudioError
from studio.home import Home
from studio.recipe.read import load_recipe
from studio.recipe.recipe import Recipe
from studio.run.directory import Run, Status, list_runs
from studio.run.names import new_name
from studio.run.search.plan import SearchPlan, checked


class SearchStatus(StrEnum):
    """Computed from the folder and its runs at each look."""

    SEARCHING = "searching"
    STOPPING = "stopping"
    OVER = "over"


@dataclass(frozen=True)
class Trial:
    """One run of a search, as far as it is.

    `changes` are the options that were turned, by dotted key; `losses` the held-out loss at each check so far, the one
    before the first step included.
    """

    run: Run
    number: int
    changes: dict[str, Any]
    status: Status
    losses: tuple[float, ...]
    given_up: bool

    @property
    def best(self) -> float:
        """Its lowest held-out loss after the first step; infinity while there is none."""
        return min((loss for loss in self.losses[1:] if math.isfinite(loss)), default=math.inf)


@dataclass(frozen=True)
class Search:
    """One search directory."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def recipe(self) -> Recipe:
        """What is the same in all its runs."""
        return load_recipe(self.path / "recipe.yaml")

    @property
    def plan(self) -> SearchPlan:
        """What it tries. Raises StudioError where the file was damaged."""
        try:
            return SearchPlan.model_validate(yaml.safe_load((self.path / "search.yaml").read_text("utf-8")))
        except (OSError, ValueError, yaml.YAMLError, ValidationError) as error:
            raise StudioError(f"The plan of the search {self.name} cannot be read. Begin a new search.") from error

    def ask_to_stop(self) -> None:
        """Begin no more runs, and end those under way at their next step."""
        (self.path / "stop").touch()

    def asked_to_stop(self) -> bool:
        return (self.path / "stop").exists()

    def trials(self, home: Home) -> list[Trial]:
        """Its runs, in the order in which they were begun."""
        found = [trial for run in list_runs(home) if (trial := trial_of(run, self.name))]
        return sorted(found, key=lambda trial: trial.number)

    def status(self, trials: list[Trial]) -> SearchStatus:
        """How it stands, given its trials."""
        under_way = any(not trial.status.over for trial in trials)
        if self.asked_to_stop():
            return SearchStatus.STOPPING if under_way else SearchStatus.OVER
        return SearchStatus.SEARCHING if under_way or not (self.path / "over").exists() else SearchStatus.OVER

    def end(self) -> None:
        """Note that there is nothing more to try."""
        (self.path / "over").touch()


def trial_of(run: Run, search: str = "") -> Trial | None:
    """The run as a trial, where it is one (of the search of that name, where one is given)."""
    try:
        note = json.loads((run.path / "search.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    if search and note.get("search") != search:
        return None
    measured = [event.values for event in run.events()[0] if event.kind == "metrics"]
    losses = [values["eval_loss"] for values in measured if "eval_loss" in values]
    given_up = (run.path / "given-up").exists()
    return Trial(run, int(note["trial"]), dict(note["changes"]), run.status(), tuple(losses), given_up)


def begin_search(home: Home, recipe: Recipe, plan: SearchPlan) -> Search:
    """Make the directory of a new search, whole at once. The conductor of the open studio begins its runs.

    Raises:
        StudioError: plan and recipe do not fit, or the disk refuses.
    """
    checked(plan, recipe)
    draft = home.searches / f".new-{os.getpid()}-{random.SystemRandom().getrandbits(32):x}"
    try:
        draft.mkdir(parents=True)
        (draft / "recipe.yaml").write_text(recipe.to_yaml(), "utf-8")
        (draft / "search.yaml").write_text(yaml.safe_dump(plan.model_dump(mode="json"), sort_keys=False), "utf-8")
        path = home.searches / new_name(date.today(), random.SystemRandom())
        while path.exists():
            path = home.searches / new_name(date.today(), random.SystemRandom())
        return Search(draft.rename(path))
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise StudioError(
            f"The search could not be written to {home.searches} ({error.strerror}). Free some space; nothing was "
            "started."
        ) from error


def list_searches(home: Home) -> list[Search]:
    """Every search of the home, oldest first."""
    folders = home.searches.iterdir() if home.searches.is_dir() else []
    found = [Search(path) for path in folders if not path.name.startswith(".") and (path / "search.yaml").is_file()]
    return sorted(found, key=lambda search: (search.path / "search.yaml").stat().st_mtime_ns)


def find_search(home: Home, name: str) -> Search:
    """The search of that name, or unambiguous part of it. Raises StudioError where there is none or several."""
    matches = [search for search in list_searches(home) if name and name in search.name]
    exact = [search for search in matches if search.name == name] or matches
    if len(exact) != 1:
        raise StudioError(f"{len(exact) or 'No'} searches match {name!r:.80}. Look at the names in {home.searches}.")
    return exact[0]
