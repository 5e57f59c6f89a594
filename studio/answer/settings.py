"""How answers are written: every knob of the Compare tab, declared once."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from studio.knob import knob

COLDEST = 0.01  # below this a temperature is taken as 0: dividing by it would overflow


class Settings(BaseModel):
    """How the next token is chosen, and how many there may be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    temperature: float = knob(
        0.0,
        "How much chance there is in the choice of each word. 0 always takes the likeliest one, so that two models can "
        "be compared; 0.7 gives livelier text.",
        label="Temperature",
        bounds=(0.0, 2.0),
        step=0.05,
    )
    top_p: float = knob(
        0.95,
        "Chooses only among the likeliest words that together have this probability. Lower is safer and duller. "
        "Does nothing at temperature 0.",
        label="Top-p",
        bounds=(0.01, 1.0),
        step=0.01,
        unit="probability",
    )
    max_new_tokens: int = knob(
        256,
        "Where an answer ends at the latest. A word takes one to three tokens.",
        label="Longest answer",
        bounds=(1, 8192),
        step=1,
        unit="tokens",
    )
    seed: int = knob(
        42,
        "Decides the chance: the same seed gives the same answer. Does nothing at temperature 0.",
        label="Seed",
        bounds=(0, 2**31 - 1),
        step=1,
    )

    @property
    def greedy(self) -> bool:
        """Whether chance has no part in it."""
        return self.temperature < COLDEST
