"""How long a step takes, from what it computes and what this machine was measured to do in a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from studio.recipe.recipe import Recipe
from studio.run.forecast.forecast import KnownRows
from studio.run.forecast.machine import Machine
from studio.run.forecast.trace import Size, Traced

FORWARD_SHARE = 1 / 3  # of a step's work: a backward pass computes about twice what a forward pass does


@dataclass(frozen=True)
class Pace:
    """Seconds of a step of the optimiser, and of a batch of held-out rows."""

    spread: ClassVar[float] = 1.6
    """By how much a run may be quicker or slower: a machine that does other things as well is slower."""
    step: float
    check: float


def pace(traced: Traced, recipe: Recipe, size: Size, rows: KnownRows | None, machine: Machine) -> Pace:
    """The usual step: its batches are as long as the rows of this data are on average, not as the longest ever."""
    usual = rows.padded / size.length if rows and rows.padded else 1.0
    computing = sum(flops / machine.flops_per_second(kind) for kind, flops in traced.flops.items())
    moving = traced.traffic / machine.bytes_per_second
    batch = usual * (computing + moving) + traced.operations * machine.operation_seconds
    return Pace(step=batch * recipe.training.gradient_accumulation, check=batch * FORWARD_SHARE)
