"""What a recipe will cost before it is started: memory by parts, time, and how far both may be off."""

from __future__ import annotations

from typing import Literal

from studio.knob import Part

MemoryPart = Literal["weights", "adapter", "gradients", "optimiser", "activations", "logits", "overhead"]
PARTS: tuple[MemoryPart, ...] = (
    "weights", "adapter", "gradients", "optimiser", "activations", "logits", "overhead",
)  # fmt: skip


class KnownRows(Part):
    """What is known of the rows of a recipe.

    `longest` is the longest row in tokens after the cut, and `padded` how long the longest row of a batch is on
    average; both are 0 where nobody has counted them yet. `packed` is how many rows are left where they are packed.
    """

    rows: int
    held_out: int = 0
    longest: int = 0
    padded: float = 0.0
    packed: int = 0


class Forecast(Part):
    """Memory in bytes at its highest moment, time in seconds for the whole run.

    `error` is the largest share by which the measured peak lay above or below the forecast in benchmarks/forecast.py;
    `seconds_low` and `seconds_high` are the range that the time is expected in.
    """

    memory_bytes: int
    parts: dict[MemoryPart, int]
    error: float
    capacity_bytes: int
    """What the GPU has, or this machine where there is none."""
    device: str
    """In words, such as "NVIDIA L4" or "this machine's memory"."""
    seconds: float
    seconds_low: float
    seconds_high: float
    step_seconds: float
    steps: int
    trainable_parameters: int
    parameters: int
    stored_bytes: int
    """What the result takes on the disk."""
    moment: str
    """When the memory is at its highest, in words."""
    assumed: tuple[str, ...] = ()
    """What was assumed because it is not known, in sentences."""

    @property
    def fits(self) -> bool:
        """Whether the peak fits with the forecast's error on top."""
        return self.memory_bytes * (1 + self.error) <= self.capacity_bytes


class Cost(Part):
    """What one method would cost on the same base with its options as they begin, for the comparison picture."""

    method: str
    trainable_parameters: int
    parameters: int
    memory_bytes: int
    stored_bytes: int
