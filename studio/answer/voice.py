"""Who answers: a base model, what a run left on it, or several of these mixed. Page and host import it: no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

STRONGEST = 1.5
RESULT, BASE = "result", "base"

Merge = Literal["linear", "ties", "dare_linear", "dare_ties"]


class Source(BaseModel):
    """Something that a run left: its result, or a checkpoint (the name of its folder), or its base."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    """The run's folder."""
    part: str = RESULT


class Ingredient(Source):
    """One adapter of a mix, and how much of it goes in."""

    weight: float = Field(default=0.5, ge=-2, le=2)


class Voice(BaseModel):
    """One who answers. Exactly one of `source`, `model_id` and `mixed` is set.

    `strength` scales what was learned: 0 is the base, 1 the result as trained, up to 1.5.
    `density` is the share of each adapter's numbers that TIES and DARE keep.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Source | None = None
    model_id: str = ""
    mixed: tuple[Ingredient, ...] = ()
    how: Merge = "linear"
    density: float = Field(default=0.5, gt=0, le=1)
    strength: float = Field(default=1.0, ge=0, le=STRONGEST)

    @classmethod
    def of_run(cls, run: str, part: str = RESULT, strength: float = 1.0) -> Voice:
        """What a run left, or (part "base") its base."""
        return cls(source=Source(run=run, part=part), strength=strength)

    @classmethod
    def of_model(cls, model_id: str) -> Voice:
        """A base model by itself."""
        return cls(model_id=model_id)

    @property
    def is_base(self) -> bool:
        """Whether it is a base by itself, with nothing learned on it."""
        return bool(self.model_id) or (self.source is not None and self.source.part == BASE)
