"""How much of the machine a training takes: memory and utilisation, of the processor and of its GPUs."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import psutil

from studio.recipe.hardware import visible_gpus

BETWEEN_LOOKS = 1.0  # seconds
RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes that getrusage counts by


class Usage:
    """Looks at what this process takes, at most once a second.

    Made by the trainer before its first step, so that the first look tells of a stretch of time too. What the machine
    does not say is left out: no GPU, no driver, a GPU that does not count its work.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = -1.0
        self._process = psutil.Process()
        self._process.cpu_percent()  # begins to count
        self._nvml, self._gpus = _gpus()
        self._highest = 0.0

    def sample(self) -> dict[str, float]:
        """What is taken now: `memory` and `gpu_memory` in bytes, with the highest so far as `memory_peak` and
        `gpu_memory_peak`; `cpu_percent` of the whole processor and `gpu_percent` of the time. Memory of several GPUs is
        added up, their percent is a mean.

        Empty where the last look was less than a second ago. Raises nothing.
        """
        now = self._clock()
        if now < self._next:
            return {}
        self._next = now + BETWEEN_LOOKS
        return self._of_process() | self._of_gpus()

    def _of_process(self) -> dict[str, float]:
        try:
            memory = float(self._process.memory_info().rss)
            percent = self._process.cpu_percent() / (psutil.cpu_count() or 1)
            peak = float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT)
        except (psutil.Error, OSError):
            return {}
        return {"memory": memory, "memory_peak": max(peak, memory), "cpu_percent": round(percent, 1)}

    def _of_gpus(self) -> dict[str, float]:
        if self._nvml is None or not self._gpus:
            return {}
        seen: dict[str, float] = {}
        try:
            seen["gpu_memory"] = float(sum(self._nvml.nvmlDeviceGetMemoryInfo(gpu).used for gpu in self._gpus))
            self._highest = seen["gpu_memory_peak"] = max(self._highest, seen["gpu_memory"])
            shares = [self._nvml.nvmlDeviceGetUtilizationRates(gpu).gpu for gpu in self._gpus]
            seen["gpu_percent"] = round(sum(shares) / len(shares), 1)
        except Exception:  # a driver that was updated meanwhile, a part of a GPU that does not count its work
            return seen
        return seen


def _gpus() -> tuple[ModuleType | None, list[Any]]:
    """NVIDIA's library, begun, and the GPUs of this process; nothing where there are none."""
    try:
        import pynvml

        pynvml.nvmlInit()
        return pynvml, visible_gpus(pynvml)
    except Exception:  # not installed, no driver, or one that does not answer
        return None, []
