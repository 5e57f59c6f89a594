"""Everything that stands between a recipe and its run, said at once."""

from __future__ import annotations

from studio.data.dataset import Prepared
from studio.recipe.hardware import Hardware
from studio.recipe.problem import Move, Problem
from studio.recipe.recipe import Recipe
from studio.recipe.rules import launch, method, model, preference, rows, training
from studio.recipe.rules.case import Case, Figures, gathered

__all__ = ["Figures", "Move", "Problem", "problems"]

RULES = (*rows.RULES, *preference.RULES, *model.RULES, *method.RULES, *training.RULES, *launch.RULES)


def problems(
    recipe: Recipe, prepared: Prepared | None, hardware: Hardware, figures: Figures | None = None
) -> list[Problem]:
    """All errors and warnings of `recipe` with these rows on this machine.

    Args:
        recipe: what is asked.
        prepared: its rows; None where no file was chosen.
        hardware: the machine.
        figures: what is known beyond the recipe, such as the forecast's peak.
    """
    return gathered(RULES, Case(recipe, prepared, hardware, figures or Figures()))
