"""What a recipe will cost before it is started: memory by parts, time, and how far both may be off."""

from __future__ import annotations

from typing import Literal

from studio.knob import Part

MemoryPart = Literal["weights", "adapter", "gradients", "optimiser", "activations", "logits", "overhead"]


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
    steps: int
    trainable_parameters: int
    parameters: int
    stored_bytes: int
    """What the result takes on the disk."""

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
