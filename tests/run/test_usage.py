"""What a training takes of the machine, with a stand-in for NVIDIA's library."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from studio.run.usage import Usage

MIB = 2**20


class FakeNvml:
    """The part of pynvml that is used, over GPUs given as [bytes in use, percent]."""

    class NVMLError(Exception):
        pass

    def __init__(self, *gpus: list[int], driver: bool = True, counts_work: bool = True) -> None:
        self.gpus = gpus
        self.driver = driver
        self.counts_work = counts_work
        self.looks = 0

    def nvmlInit(self) -> None:
        if not self.driver:
            raise self.NVMLError("Driver Not Loaded")

    def nvmlDeviceGetCount(self) -> int:
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> list[int]:
        if index >= len(self.gpus):
            raise self.NVMLError("Invalid Argument")
        return self.gpus[index]

    def nvmlDeviceGetMemoryInfo(self, gpu: list[int]) -> Any:
        self.looks += 1
        if gpu[0] < 0:
            raise self.NVMLError("GPU is lost")
        return SimpleNamespace(used=gpu[0])

    def nvmlDeviceGetUtilizationRates(self, gpu: list[int]) -> Any:
        if not self.counts_work:
            raise self.NVMLError("Not Supported")
        return SimpleNamespace(gpu=gpu[1])


@pytest.fixture
def clock() -> SimpleNamespace:
    return SimpleNamespace(now=100.0)


@pytest.fixture(autouse=True)
def all_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def usage(monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace, nvml: FakeNvml | None) -> Usage:
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    return Usage(lambda: clock.now)


def test_of_this_process_without_a_gpu(monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace) -> None:
    seen = usage(monkeypatch, clock, None).sample()
    assert seen.keys() == {"memory", "memory_peak", "cpu_percent"}
    now = psutil.Process().memory_info().rss
    assert 0.5 * now < seen["memory"] < 2 * now
    assert seen["memory_peak"] >= seen["memory"]
    assert 0 <= seen["cpu_percent"] <= 101


def test_of_its_gpus(monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace) -> None:
    gpus = [300 * MIB, 90], [100 * MIB, 30], [999 * MIB, 100]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
    looks = usage(monkeypatch, clock, FakeNvml(*gpus))
    assert (seen := looks.sample())["gpu_memory"] == seen["gpu_memory_peak"] == 400 * MIB
    assert seen["gpu_percent"] == 60
    gpus[0][0] = 50 * MIB
    clock.now += 2
    seen = looks.sample()
    assert (seen["gpu_memory"], seen["gpu_memory_peak"]) == (150 * MIB, 400 * MIB)


def test_one_real_look_a_second(monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace) -> None:
    nvml = FakeNvml([MIB, 5])
    looks = usage(monkeypatch, clock, nvml)
    assert "memory" in looks.sample()
    for _ in range(9):
        clock.now += 0.1
        assert looks.sample() == {}
    clock.now += 0.11
    assert "memory" in looks.sample()
    assert nvml.looks == 2


@pytest.mark.parametrize(
    ("nvml", "seen_of_gpu"),
    [
        (FakeNvml([MIB, 5], driver=False), set()),
        (FakeNvml(), set()),
        (FakeNvml([-1, 5]), set()),
        (FakeNvml([MIB, 5], counts_work=False), {"gpu_memory", "gpu_memory_peak"}),
    ],
)
def test_what_is_not_said_is_left_out(
    monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace, nvml: FakeNvml, seen_of_gpu: set[str]
) -> None:
    seen = usage(monkeypatch, clock, nvml).sample()
    assert {key for key in seen if key.startswith("gpu")} == seen_of_gpu
    assert "memory" in seen
