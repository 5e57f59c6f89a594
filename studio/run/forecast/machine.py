"""What this machine does to a forecast: the memory that any training takes here, and how fast it computes.

Measured once by children that start as a run's process does, and kept in the home.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict

from studio.home import Home
from studio.recipe.hardware import detect
from studio.run.forecast.trace import Traced
from studio.run.forecast.versions import versions
from studio.run.study.caches import Cache
from studio.run.study.keys import key_of

FILE = "machine.json"
START_BYTES = 640 * 2**20  # where it could not be measured
GATHERED = 50 * 2**20  # bytes: room between pieces of the heap, code that is made for shapes (benchmarks/forecast.py)
SIZE = 768  # of the matrices that are multiplied to see how fast that goes
SECONDS = 0.3
TYPES = {"torch.float32": torch.float32, "torch.bfloat16": torch.bfloat16, "torch.float16": torch.float16}


class Machine(BaseModel):
    """What was measured. `flops` counts floating-point operations a second by the type of numbers."""

    model_config = ConfigDict(frozen=True)

    start_bytes: int
    """What the process of a tiny run takes, its tensors left out."""
    capacity_bytes: int
    device: str
    device_is_gpu: bool
    flops: dict[str, float]
    bytes_per_second: float
    operation_seconds: float
    start_seconds: float

    def overhead(self, traced: Traced) -> int:
        """Memory that is not in the tensors. On a CPU a run that is not tiny gathers a little more on the way."""
        return self.start_bytes + (0 if self.device_is_gpu else GATHERED)

    def flops_per_second(self, kind: str) -> float:
        """The speed for numbers of a type; for one that was not measured, that of the slowest."""
        return self.flops.get(kind, min(self.flops.values()))


def machine(home: Home, start_bytes: Callable[[], int]) -> Machine:
    """This machine, measured now or before. `start_bytes` measures what a run's process takes by itself."""
    hardware, cache = detect(), Cache(home.cache)
    gpu = torch.cuda.is_available()
    key = key_of("machine", platform.node(), hardware.cores, gpu, sorted(Machine.model_fields), *versions())
    if entry := cache.find(key):
        return Machine.model_validate_json((entry.path / FILE).read_bytes())
    device = torch.device("cuda" if gpu else "cpu")
    measured = Machine(
        start_bytes=start_bytes(),
        capacity_bytes=torch.cuda.get_device_properties(0).total_memory if gpu else hardware.memory_bytes,
        device=torch.cuda.get_device_name(0) if gpu else "this machine's memory",
        device_is_gpu=gpu,
        flops={name: _flops(kind, device) for name, kind in TYPES.items() if gpu or kind != torch.float16},
        bytes_per_second=_bytes(device),
        operation_seconds=_operation(device),
        start_seconds=12.0,
    )
    cache.keep(key, lambda folder: _write(folder / FILE, measured))
    return measured


def _write(path: Path, measured: Machine) -> None:
    path.write_text(measured.model_dump_json(), "utf-8")


def _flops(kind: torch.dtype, device: torch.device) -> float:
    """Floating-point operations a second in products of matrices."""
    size = SIZE if device.type == "cpu" else 8 * SIZE
    left = torch.ones(size, size, dtype=kind, device=device)
    return 2 * size**3 / _seconds(lambda: left @ left)


def _bytes(device: torch.device) -> float:
    """Bytes a second that a sum of two tensors of the usual size reads and writes."""
    tensor = torch.ones(2**20 if device.type == "cpu" else 2**26, device=device)
    return 3 * tensor.nbytes / _seconds(lambda: tensor + tensor)


def _operation(device: torch.device) -> float:
    """Seconds that an operation takes which computes next to nothing, gradients noted."""
    tensor = torch.ones(4, device=device, requires_grad=True)
    return 2 * _seconds(lambda: tensor * 1.0)


def _seconds(do: Callable[[], object]) -> float:
    """The quickest of many times."""
    best, until = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < until:
        began = time.perf_counter()
        do()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    return best
