"""What the machine is seen to have, with a stand-in for NVIDIA's library."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from studio.recipe import hardware
from studio.recipe.hardware import GIB, Gpu, Hardware, detect


class FakeNvml:
    """The part of pynvml that is used, over a list of GPUs given as (name, uuid, GiB)."""

    class NVMLError(Exception):
        pass

    def __init__(self, *gpus: tuple[str, str, int], driver: bool = True, shared_memory: bool = False) -> None:
        self.gpus = gpus
        self.driver = driver
        self.shared_memory = shared_memory
        self.open = 0

    def nvmlInit(self) -> None:
        if not self.driver:
            raise self.NVMLError("Driver Not Loaded")
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> tuple[str, str, int]:
        if index >= len(self.gpus):
            raise self.NVMLError("Invalid Argument")
        return self.gpus[index]

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> tuple[str, str, int]:
        raise self.NVMLError("Not Found")

    def nvmlDeviceGetUUID(self, handle: tuple[str, str, int]) -> str:
        return handle[1]

    def nvmlDeviceGetName(self, handle: tuple[str, str, int]) -> bytes:
        return handle[0].encode()

    def nvmlDeviceGetMemoryInfo(self, handle: tuple[str, str, int]) -> Any:
        if self.shared_memory:
            raise self.NVMLError("Not Supported")
        return SimpleNamespace(total=handle[2] * GIB, free=GIB)

    def nvmlDeviceGetCudaComputeCapability(self, handle: tuple[str, str, int]) -> tuple[int, int]:
        return (9, 0)


TWO = (("NVIDIA H200", "GPU-aaa-1", 139), ("NVIDIA L4", "GPU-bbb-2", 22))


def gpus_seen(monkeypatch: pytest.MonkeyPatch, nvml: FakeNvml, visible: str | None = None) -> list[str]:
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = detect().gpus
    assert nvml.open == 0
    return [gpu.name for gpu in found]


def test_this_machine_is_seen():
    seen = detect()
    assert seen.cores >= 1
    assert 0 < seen.memory_free_bytes <= seen.memory_bytes <= psutil.virtual_memory().total
    assert "memory" in seen.describe()


def test_gpus_are_listed(monkeypatch: pytest.MonkeyPatch):
    assert gpus_seen(monkeypatch, FakeNvml(*TWO)) == ["NVIDIA H200", "NVIDIA L4"]
    assert detect().gpus[0] == Gpu("NVIDIA H200", 139 * GIB, GIB, (9, 0))


@pytest.mark.parametrize(
    ("visible", "names"),
    [
        ("", []),
        ("-1", []),
        ("none", []),
        ("1", ["NVIDIA L4"]),
        ("1, 0", ["NVIDIA L4", "NVIDIA H200"]),
        ("0,7,1", ["NVIDIA H200"]),
        ("GPU-bbb", ["NVIDIA L4"]),
        ("GPU-xyz", []),
        ("MIG-xyz", []),
    ],
)
def test_only_visible_gpus_count(monkeypatch: pytest.MonkeyPatch, visible: str, names: list[str]):
    assert gpus_seen(monkeypatch, FakeNvml(*TWO), visible) == names


def test_without_a_driver_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch):
    assert gpus_seen(monkeypatch, FakeNvml(*TWO, driver=False)) == []


def test_without_the_library_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert detect().gpus == ()


def test_a_gpu_without_memory_of_its_own_has_the_machines(monkeypatch: pytest.MonkeyPatch):
    gpus_seen(monkeypatch, FakeNvml(TWO[0], shared_memory=True))
    assert detect().gpus[0].total_bytes == psutil.virtual_memory().total


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A control group of the second version, as the process sees it from within a container."""
    real = hardware._read

    def read(path: Path) -> str:
        return "0::/" if path == Path("/proc/self/cgroup") else real(path)

    monkeypatch.setattr(hardware, "CGROUPS", tmp_path)
    monkeypatch.setattr(hardware, "_read", read)
    return tmp_path


def test_a_containers_memory_limit_counts(container: Path):
    (container / "memory.max").write_text("1000000\n")
    (container / "memory.current").write_text("700000\n")
    (container / "memory.stat").write_text("anon 1\ninactive_file 200000\n")
    seen = detect()
    assert (seen.memory_bytes, seen.memory_free_bytes) == (1_000_000, 500_000)


def test_no_limit_is_no_limit(container: Path):
    (container / "memory.max").write_text("max\n")
    (container / "cpu.max").write_text("max 100000\n")
    assert detect().memory_bytes == psutil.virtual_memory().total


def test_a_containers_share_of_processor_time_counts(container: Path):
    (container / "cpu.max").write_text("50000 100000\n")
    assert detect().cores == 1


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        (Hardware(2, 23 * GIB, GIB), "2 CPU cores, 23 GiB memory, no GPU"),
        (
            Hardware(1, int(3.5 * GIB), GIB, (Gpu("NVIDIA L4", 22 * GIB, GIB, (8, 9)),)),
            "1 CPU core, 3.5 GiB memory, NVIDIA L4 with 22 GiB",
        ),
        (
            Hardware(8, 64 * GIB, GIB, (Gpu("NVIDIA A100", 80 * GIB, GIB, None),) * 2),
            "8 CPU cores, 64 GiB memory, 2 NVIDIA A100 with 80 GiB each",
        ),
    ],
)
def test_the_machine_in_words(machine: Hardware, words: str):
    assert machine.describe() == words
