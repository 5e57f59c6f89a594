"""What a search tries: which options, over which values, how many runs, and when a run is given up."""

from __future__ import annotations

import math
from typing import Any, Literal

import yaml
from pydantic import model_validator

from studio.errors import StudioError
from studio.knob import Knob, Part, knob, knobs
from studio.recipe.read import changed
from studio.recipe.recipe import Recipe

MOST_RUNS = 200
GRID_POINTS = 4  # values that a grid takes from a range with nothing more said
NOT_SEARCHED = {"seed", "precision", "save_steps", "saves_kept", "evaluations", "evaluation_rows", "max_length"}


class Dimension(Part):
    """One option that a search turns: either between `low` and `high`, or among `choices`.

    `option` is its dotted key in the recipe, `log` says that equal ratios are equally far apart, `points` how many
    values a grid takes from the range.
    """

    option: str
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False
    """Whether only whole numbers are meant."""
    points: int = GRID_POINTS
    choices: tuple[bool | int | float | str, ...] = ()

    @model_validator(mode="after")
    def _makes_sense(self) -> Dimension:
        if not self.choices and not self.low < self.high:
            raise ValueError(f"the smallest value of {self.option} must be below its largest")
        if self.log and not self.choices and self.low <= 0:
            raise ValueError(f"{self.option} moves in ratios, so its smallest value must be above 0")
        return self

    def grid(self) -> list[Any]:
        """The values that a grid tries, from the smallest to the largest."""
        if self.choices:
            return list(self.choices)
        values = [self._at(place / max(1, self.points - 1)) for place in range(self.points)]
        return list(dict.fromkeys(values))

    def _at(self, share: float) -> float | int:
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        value = low + share * (high - low)
        value = math.exp(value) if self.log else value
        return round(value) if self.whole else float(f"{value:.4g}")


class SearchPlan(Part):
    """How a search goes about it."""

    how: Literal["grid", "random", "tpe"] = knob(
        "tpe",
        "Grid tries every combination, random draws them, TPE (Optuna) learns from the runs so far where to look. "
        "Try TPE; grid for two options with three values each.",
        label="How to search",
        what="A search trains the same recipe several times with different settings and compares the held-out loss. "
        "A grid is thorough and gets expensive fast: three options with four values are 64 runs. Random search finds "
        "settings as good with far fewer runs when only some of the options matter (Bergstra and Bengio 2012). TPE "
        "(tree-structured Parzen estimator) starts at random and then tries more of what did well.",
    )
    trials: int = knob(
        8,
        "How many runs are made at most. Each takes as long as one training, unless it is given up early. Try 8 to 20.",
        label="Runs at most",
        bounds=(2, MOST_RUNS),
        step=1,
        unit="runs",
        what="The budget of the search. Every run is a whole training with its own folder, so eight runs take about "
        "eight times as long as one; runs that are clearly worse end early if you let them.",
    )
    prune: bool = knob(
        True,
        "Ends a run whose held-out loss is worse than the middle one of the finished runs at the same point.",
        label="Stop the hopeless",
        what="At each held-out check a run is compared with what the finished runs had reached at that point. If it is "
        "worse than half of them it most likely will not win, so its time is given to the next one (median stopping "
        "rule; Golovin et al. 2017, Google Vizier).",
    )
    seed: int = knob(
        0,
        "Decides what random and TPE draw: the same seed tries the same settings.",
        label="Seed of the search",
        bounds=(0, 2**31 - 1),
        advanced=True,
        what="Drawing numbers by chance starts from a seed. The same seed draws the same numbers, so a search can be "
        "repeated; another seed tries other settings.",
    )
    over: tuple[Dimension, ...] = ()


def searchable(recipe: Recipe) -> dict[str, Knob]:
    """The options of a recipe that a search can turn, by dotted key: those of its method and its training."""
    found = {}
    for part, model in (("training", type(recipe.training)), ("method", type(recipe.method))):
        for each in knobs(model):
            ranged = each.low is not None and each.high is not None
            if each.name not in NOT_SEARCHED and (ranged or each.choices or each.kind is bool):
                found[f"{part}.{each.name}"] = each
    return found


def usual_dimension(recipe: Recipe, option: str) -> Dimension:
    """A range around what the recipe says now, within the option's bounds. Raises StudioError for other options."""
    each = _knob(recipe, option)
    if each.choices:
        return Dimension(option=option, choices=each.choices)
    if each.kind is bool:
        return Dimension(option=option, choices=(False, True))
    part, name = option.split(".")
    now = float(getattr(getattr(recipe, part), name))
    assert each.low is not None
    assert each.high is not None
    if each.scale == "log":
        return Dimension(option=option, low=max(each.low, now / 5), high=min(each.high, now * 5), log=True)
    whole = each.kind is int
    low, high = max(each.low, now / 4), min(each.high, max(now * 4, each.low + (each.step or 1) * 4))
    if whole:
        low, high = math.ceil(low), math.floor(high)
    return Dimension(option=option, low=low, high=high, whole=whole, log=_in_ratios(each, low))


def _in_ratios(each: Knob, low: float) -> bool:
    """Whether equal ratios are equally far apart: learning rates, and counts such as ranks and batch sizes."""
    return each.scale == "log" or (each.kind is int and low >= 1)


def dimension_of(recipe: Recipe, option: str, values: str) -> Dimension:
    """What to try of an option, as a person writes it: `1e-4..1e-2` is a range, `4, 8, 16` are choices.

    Raises:
        StudioError: the option cannot be searched over, or the text is neither.
    """
    each = _knob(recipe, option)
    low, dots, high = values.partition("..")
    try:
        if dots:
            least, whole = float(low), each.kind is int
            return Dimension(option=option, low=least, high=float(high), log=_in_ratios(each, least), whole=whole)
        return Dimension(option=option, choices=tuple(_plain(value.strip()) for value in values.split(",")))
    except (ValueError, yaml.YAMLError):
        raise StudioError(
            f"You set {option} to {values!r:.60}, but that is neither a range nor choices. "
            "Write 1e-4..1e-2 for a range, from the smaller to the larger, or 4, 8, 16 for choices."
        ) from None


def written(dimension: Dimension) -> str:
    """A dimension as `dimension_of` reads it."""
    if dimension.choices:
        return ", ".join(str(each).lower() if isinstance(each, bool) else str(each) for each in dimension.choices)
    return f"{dimension.low:g}..{dimension.high:g}"


def _plain(value: str) -> bool | int | float | str:
    """A value as YAML reads it, and numbers such as 1e-4, which YAML takes for words."""
    if not value:
        raise ValueError(value)
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        read = yaml.safe_load(value)
        return read if isinstance(read, bool) else value


def checked(plan: SearchPlan, recipe: Recipe) -> SearchPlan:
    """The plan, where it fits the recipe.

    Raises:
        StudioError: all that is wrong with it: no option, one twice, values out of bounds, no held-out loss to go by.
    """
    wrong: list[str] = []
    if not plan.over:
        wrong.append("A search needs something to turn. Choose at least one option, such as the learning rate.")
    names = [each.option for each in plan.over]
    wrong += [f"{name} is searched over twice. Name it once." for name in set(names) if names.count(name) > 1]
    if not recipe.training.evaluations:
        wrong.append("A search compares held-out losses. Set the held-out checks to 1 or more.")
    for each in plan.over:
        try:
            _knob(recipe, each.option)
            for value in each.choices or (each.low, each.high):
                changed(recipe, {each.option: value})
        except StudioError as error:
            wrong += error.problems
    if wrong:
        raise StudioError(*dict.fromkeys(wrong))
    return plan


def _knob(recipe: Recipe, option: str) -> Knob:
    known = searchable(recipe)
    if option not in known:
        raise StudioError(f"You search over {option:.60}, but only these can be: {', '.join(known)}.")
    return known[option]
