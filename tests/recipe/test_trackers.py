"""Trackers: one that is not there is said with what to install; each has a name in the recipe."""

from __future__ import annotations

from typing import get_args

from studio.recipe import trackers
from studio.recipe.recipe import Recipe
from studio.recipe.rules import training
from studio.recipe.rules.case import Case
from studio.recipe.trackers import TRACKERS
from studio.recipe.training import TrackerName, TrainingPart


def test_the_table_has_every_tracker():
    assert {"none", *TRACKERS} == set(get_args(TrackerName))


def test_one_that_is_not_installed_is_said_before_the_run(monkeypatch):
    asked = Case(Recipe(training=TrainingPart(tracker="wandb")), None, None)
    monkeypatch.setattr(trackers, "find_spec", lambda name: None)
    (problem,) = training.tracker(asked)
    assert (problem.severity, problem.option) == ("error", "training.tracker")
    assert "pip install wandb" in problem.message
    assert problem.moves[0].changes == {"training.tracker": "none"}
    monkeypatch.setattr(trackers, "find_spec", lambda name: object())
    assert not list(training.tracker(asked))
    assert not list(training.tracker(Case(Recipe(), None, None)))


def test_of_two_packages_one_is_enough(monkeypatch):
    monkeypatch.setattr(trackers, "find_spec", lambda name: object() if name == "tensorboardX" else None)
    assert TRACKERS["tensorboard"].installed
    assert not TRACKERS["mlflow"].installed
