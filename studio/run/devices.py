"""What runs may be given to train on, and which of the waiting ones begin with what is free."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any, TypeVar

from studio.recipe.hardware import text, visible_gpus

CPU = "cpu"
VARIABLE = "CUDA_VISIBLE_DEVICES"

Devices = tuple[str, ...]
Waits = TypeVar("Waits")


def devices() -> Devices:
    """The GPUs that this process may use, by UUID, which CUDA takes in any order; the processor where there is none.

    Looks at the driver, so it takes a moment and imports no torch. CUDA_VISIBLE_DEVICES is respected.
    """
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # no driver, or one that does not answer: the same as no GPU
        return (CPU,)
    try:
        return tuple(name for handle in visible_gpus(pynvml) for name in _names(pynvml, handle)) or (CPU,)
    except pynvml.NVMLError:
        return (CPU,)
    finally:
        pynvml.nvmlShutdown()


def begins_now(
    waiting: Iterable[tuple[Waits, int]], free: Sequence[str], there_are: int
) -> list[tuple[Waits, Devices]]:
    """Which of the waiting runs begin, each with what it is given.

    Strictly in order: one that needs more than is free holds up those behind it, so that it is never overtaken for ever
    by smaller ones.

    Args:
        waiting: each with how many devices it needs, the first one first. More than there are is as all.
        free: what nobody holds.
        there_are: how many devices there are, free or not.
    """
    begun: list[tuple[Waits, Devices]] = []
    left = list(free)
    if not left:
        return begun
    for run, needs in waiting:
        count = max(1, min(needs, there_are))
        if count > len(left):
            break
        begun.append((run, tuple(left[:count])))
        del left[:count]
        if not left:
            break
    return begun


def show_only(given: Devices) -> None:
    """Let this process see these GPUs and no other. To be called before CUDA is touched."""
    os.environ.update(variables(given))


def variables(given: Devices) -> dict[str, str]:
    """What a process that is given these devices is to find in its environment."""
    return {} if not given or CPU in given else {VARIABLE: ",".join(given)}


def _names(nvml: ModuleType, handle: Any) -> list[str]:
    """A GPU's name, or those of its parts where it is divided."""
    parts = _parts(nvml, handle)
    return [text(nvml.nvmlDeviceGetUUID(part)) for part in parts or [handle]]


def _parts(nvml: ModuleType, handle: Any) -> list[Any]:
    try:
        current, _ = nvml.nvmlDeviceGetMigMode(handle)
    except nvml.NVMLError:  # a kind that cannot be divided
        return []
    parts = []
    for index in range(nvml.nvmlDeviceGetMaxMigDeviceCount(handle) if current else 0):
        try:
            parts.append(nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, index))
        except nvml.NVMLError:  # no part at this place
            continue
    return parts
