"""All that rules look at: a recipe, its rows, its base model and the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from studio.data.checks.classes import class_field
from studio.data.dataset import Prepared
from studio.errors import StudioError
from studio.recipe.hardware import Hardware
from studio.recipe.methods.low_rank import Lora
from studio.recipe.model_folder import ModelKind
from studio.recipe.models import Located, ModelFacts, facts, locate
from studio.recipe.problem import Problem
from studio.recipe.rates import usual_rate
from studio.recipe.recipe import Recipe
from studio.recipe.steps import steps_of


@dataclass(frozen=True)
class Figures:
    """What is known of a recipe beyond itself; None where it is not.

    `tokens` are those learned from in one pass, `longest` is the longest row in tokens, `trainable` counts the weights
    that move. Bytes: `need` is the forecast's peak with its error on top, `capacity` what there is for it, `stored`
    the result on the disk, and `disk` what is free there.
    """

    tokens: int | None = None
    longest: int | None = None
    trainable: int | None = None
    need: int | None = None
    capacity: int | None = None
    stored: int | None = None
    disk: int | None = None


@dataclass(frozen=True)
class Case:
    """A recipe with what it meets. `prepared` is None where no file was chosen, `hardware` where it does not matter."""

    recipe: Recipe
    prepared: Prepared | None
    hardware: Hardware | None
    figures: Figures = Figures()

    @cached_property
    def located(self) -> Located | StudioError:
        """The base model, or why there is none."""
        try:
            return locate(self.recipe.model.id)
        except StudioError as error:
            return error

    @cached_property
    def facts(self) -> ModelFacts | None:
        """What the base model's folder says; None where it is not on this machine or not whole."""
        if isinstance(self.located, StudioError) or self.located.folder is None:
            return None
        try:
            return facts(self.located.folder)
        except StudioError:
            return None

    @property
    def parameters(self) -> int:
        """The base model's weights; 0 where nobody knows."""
        if self.facts:
            return self.facts.parameters
        card = None if isinstance(self.located, StudioError) else self.located.card
        return card.parameters if card else 0

    @property
    def kind(self) -> ModelKind:
        """What sort of model the base is."""
        if self.facts:
            return self.facts.kind
        card = None if isinstance(self.located, StudioError) else self.located.card
        return card.kind if card else "unknown"

    @property
    def rows(self) -> int:
        """Training rows; 0 where none were chosen."""
        return len(self.prepared.train) if self.prepared else 0

    @property
    def held_out(self) -> int:
        return len(self.prepared.held_out) if self.prepared else 0

    @property
    def steps(self) -> int:
        """Optimiser steps of the run; 0 without rows."""
        return steps_of(self.recipe.training, self.rows) if self.rows else 0

    @property
    def batch(self) -> int:
        """Rows that one step learns from."""
        return self.recipe.training.batch_size * self.recipe.training.gradient_accumulation

    @cached_property
    def usual_rate(self) -> float | None:
        """The learning rate to begin with."""
        return usual_rate(self.recipe.model.id, self.recipe.method.name)

    @cached_property
    def class_like(self) -> bool:
        """Whether the completions are the names of a few classes."""
        if self.prepared is None or not self.rows:
            return False
        rows = self.prepared.train
        where = class_field(rows)
        return where == "completion" or (where == "label" and rows.column("label").equals(rows.column("completion")))

    @property
    def gpus(self) -> bool:
        return bool(self.hardware and self.hardware.gpus)

    @property
    def low_rank(self) -> Lora | None:
        """The method, where it is LoRA or its kin."""
        return self.recipe.method if isinstance(self.recipe.method, Lora) else None


Rule = Callable[[Case], Iterator[Problem]]


def gathered(rules: tuple[Rule, ...], case: Case) -> list[Problem]:
    """What all of the rules say."""
    return [problem for rule in rules for problem in rule(case)]
