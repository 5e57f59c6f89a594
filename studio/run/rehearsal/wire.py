"""What a rehearsal is asked and what it answers. No torch here, the page imports it too."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from studio.recipe.recipe import Recipe
from studio.run.study.wire import Doing, Failed
from studio.run.wire import Line

__all__ = ["REPLY", "REQUEST", "Doing", "Failed", "Rehearse", "Rehearsed", "Reply"]


class Rehearse(Line):
    """Do two real steps of the recipe on the longest rows of its data."""

    kind: Literal["rehearse"] = "rehearse"
    recipe: Recipe


class Rehearsed(Line):
    """What the steps took. `seconds` is for the whole run at the speed of the second step, which had the longest rows
    and so is slower than most."""

    kind: Literal["rehearsed"] = "rehearsed"
    peak_bytes: int
    capacity_bytes: int
    step_seconds: float
    steps: int
    seconds: float
    batch: int
    longest: int
    """The longest row in tokens, as it was trained on."""
    largest_batch: int
    """The largest that fits with some room to spare, by the memory that one more row was followed to take; 0: none."""

    @property
    def fits(self) -> bool:
        """Whether the peak is within what there is."""
        return self.peak_bytes <= self.capacity_bytes


Reply = Doing | Rehearsed | Failed
REQUEST: TypeAdapter[Rehearse] = TypeAdapter(Rehearse)
REPLY: TypeAdapter[Reply] = TypeAdapter(Annotated[Reply, Field(discriminator="kind")])
