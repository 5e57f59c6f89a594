"""What this machine has to train with: cores, memory and NVIDIA GPUs, asked without torch."""

from __future__ import annotations

import math
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil

GIB = 2**30
CGROUPS = Path("/sys/fs/cgroup")
UNLIMITED = 2**60  # what the first version of cgroups says for "no limit" is just below 2**63


@dataclass(frozen=True)
class Gpu:
    """One NVIDIA GPU. `capability` is its compute capability, such as (9, 0); None where it does not say."""

    name: str
    total_bytes: int
    free_bytes: int
    capability: tuple[int, int] | None


@dataclass(frozen=True)
class Hardware:
    """The part of the machine that this process may use."""

    cores: int
    memory_bytes: int
    memory_free_bytes: int
    gpus: tuple[Gpu, ...] = ()

    def describe(self) -> str:
        """In plain words, such as "2 CPU cores, 23 GiB memory, no GPU"."""
        cores = "1 CPU core" if self.cores == 1 else f"{self.cores} CPU cores"
        return f"{cores}, {_gib(self.memory_bytes)} memory, {_gpus_in_words(self.gpus)}"


def detect() -> Hardware:
    """Look at the machine as it is now. Container limits and CUDA_VISIBLE_DEVICES are respected; nothing is raised."""
    memory = psutil.virtual_memory()
    total, free = memory.total, memory.available
    for limit, used in _memory_limits():
        total, free = min(total, limit), min(free, max(0, limit - used))
    return Hardware(_cores(), total, free, _gpus())


def _cores() -> int:
    """The cores that this process may run on, a container's share of processor time included."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else psutil.cpu_count() or 1
    quota, _, period = _read(CGROUPS / "cpu.max").partition(" ")
    if quota.isdigit() and period.isdigit() and int(period):
        allowed = min(allowed, max(1, math.ceil(int(quota) / int(period))))
    return allowed


def _memory_limits() -> list[tuple[int, int]]:
    """Limit and use of each memory cgroup that this process is in, in bytes. The file cache does not count as used."""
    limits = []
    for folder, limit_name, used_name in _memory_cgroups():
        limit = _read(folder / limit_name)
        if limit.isdigit() and int(limit) < UNLIMITED:
            used = _read(folder / used_name)
            kept = dict(line.split(" ", 1) for line in _read(folder / "memory.stat").splitlines() if " " in line)
            cached = kept.get("total_inactive_file") or kept.get("inactive_file") or "0"
            limits.append((int(limit), max(0, int(used or 0) - int(cached))))
    return limits


def _memory_cgroups() -> list[tuple[Path, str, str]]:
    """The folders with this process's limits, outer ones too, for both versions of cgroups."""
    folders = []
    for line in _read(Path("/proc/self/cgroup")).splitlines():
        _, controllers, inner = line.split(":", 2)
        if controllers == "":
            root, names = CGROUPS, ("memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            root, names = CGROUPS / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes")
        else:
            continue
        path = root / inner.strip("/")
        folders += [(folder, *names) for folder in (path, *path.parents) if folder.is_relative_to(root)]
    return folders


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _gpus() -> tuple[Gpu, ...]:
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # no driver, or one that does not answer: the same as no GPU
        return ()
    try:
        return tuple(_gpu(pynvml, handle) for handle in visible_gpus(pynvml))
    except pynvml.NVMLError:
        return ()
    finally:
        pynvml.nvmlShutdown()


def visible_gpus(nvml: ModuleType) -> list[Any]:
    """Handles of the GPUs that CUDA would show. As CUDA does it: the first unknown name ends the list."""
    wanted = os.environ.get("CUDA_VISIBLE_DEVICES")
    if wanted is None:
        return [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]
    handles = []
    for name in wanted.split(","):
        try:
            handles.append(_by_name(nvml, name.strip()))
        except (ValueError, nvml.NVMLError):
            break
    return handles


def _by_name(nvml: ModuleType, name: str) -> Any:
    if name.startswith("MIG-"):
        return nvml.nvmlDeviceGetHandleByUUID(name)
    if not name.startswith("GPU-"):
        return nvml.nvmlDeviceGetHandleByIndex(_index(name))
    for index in range(nvml.nvmlDeviceGetCount()):  # CUDA takes the beginning of a UUID too
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        if text(nvml.nvmlDeviceGetUUID(handle)).startswith(name):
            return handle
    raise ValueError(name)


def _index(name: str) -> int:
    if not name.isdigit():
        raise ValueError(name)
    return int(name)


def _gpu(nvml: ModuleType, handle: Any) -> Gpu:
    try:
        memory = nvml.nvmlDeviceGetMemoryInfo(handle)
        total, free = int(memory.total), int(memory.free)
    except nvml.NVMLError:  # a GPU that shares the memory of the machine
        system = psutil.virtual_memory()
        total, free = system.total, system.available
    return Gpu(text(nvml.nvmlDeviceGetName(handle)), total, free, _capability(nvml, handle))


def _capability(nvml: ModuleType, handle: Any) -> tuple[int, int] | None:
    try:
        major, minor = nvml.nvmlDeviceGetCudaComputeCapability(handle)
    except nvml.NVMLError:
        return None
    return int(major), int(minor)


def text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _gpus_in_words(gpus: tuple[Gpu, ...]) -> str:
    if not gpus:
        return "no GPU"
    kinds = Counter((gpu.name, gpu.total_bytes) for gpu in gpus)
    return ", ".join(_one_kind(name, total, count) for (name, total), count in kinds.items())


def _one_kind(name: str, total: int, count: int) -> str:
    return f"{name} with {_gib(total)}" if count == 1 else f"{count} {name} with {_gib(total)} each"


def _gib(count: int) -> str:
    return f"{count / GIB:.0f} GiB" if count >= 10 * GIB else f"{count / GIB:.1f} GiB"
