"""What stands in the way of the recipe on the page, and what could be better: all of it, as far as it is known now."""

from __future__ import annotations

import shutil
from dataclasses import replace

from studio.recipe.advice import advice
from studio.recipe.problem import Problem
from studio.recipe.problems import Figures, problems
from studio.recipe.recipe import Recipe
from studio.run.forecast.forecast import Forecast
from studio.ui.studio import Studio

STILL_READING = Problem(
    "data.path", "The rows are still being read; what is wrong with them is known in a moment.", "warning"
)


def found(studio: Studio, recipe: Recipe, forecast: Forecast | None) -> list[Problem]:
    """Problems and advice. Rows that are still being read are not waited for: they are told of.

    Raises StudioError where the rows cannot be read.
    """
    known = studio.desk.known(recipe.data) if recipe.data.path else None
    figures = figures_of(studio, recipe, forecast)
    every = problems(recipe, known, studio.hardware, figures)
    every += advice(recipe, known, figures, studio.hardware) if known is not None else []
    if not recipe.data.path or known is not None:
        return every
    return [STILL_READING, *(problem for problem in every if not problem.option.startswith("data."))]


def figures_of(studio: Studio, recipe: Recipe, forecast: Forecast | None) -> Figures:
    """What the forecast and the thorough look at the rows have told so far."""
    study = studio.desk.studied(recipe.data, recipe.model.id, recipe.training.max_length)
    figures = Figures(disk=shutil.disk_usage(studio.home.root).free)
    if study:
        figures = replace(figures, tokens=study.trained_tokens, longest=study.longest)
    if forecast:
        figures = replace(
            figures,
            trainable=forecast.trainable_parameters,
            need=round(forecast.memory_bytes * (1 + forecast.error)),
            capacity=forecast.capacity_bytes,
            stored=forecast.stored_bytes,
        )
    return figures
