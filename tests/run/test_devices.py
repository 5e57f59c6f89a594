"""What there is to train on, and which waiting runs begin with what is free."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any

import pytest

from studio.run.devices import CPU, begins_now, devices, show_only, variables


def begun(waiting: list[tuple[str, int]], free: str, there_are: int) -> dict[str, str]:
    return {run: "".join(given) for run, given in begins_now(waiting, tuple(free), there_are)}


def test_in_order_as_many_as_there_is_room_for():
    waiting = [("one", 1), ("two", 1), ("three", 1)]
    assert begun(waiting, "", 2) == {}
    assert begun(waiting, "b", 2) == {"one": "b"}
    assert begun(waiting, "ab", 2) == {"one": "a", "two": "b"}
    assert begun(waiting, "abcd", 4) == {"one": "a", "two": "b", "three": "c"}
    assert begun([], "abcd", 4) == {}


def test_a_large_run_at_the_front_is_not_overtaken():
    waiting = [("large", 3), ("small", 1)]
    assert begun(waiting, "ab", 4) == {}
    assert begun(waiting, "abc", 4) == {"large": "abc"}
    assert begun([("small", 1), ("large", 3), ("other", 1)], "abcd", 4) == {"small": "a", "large": "bcd"}
    assert begun([("small", 1), ("large", 4), ("other", 1)], "abcd", 4) == {"small": "a"}


def test_a_run_that_asks_for_more_than_there_are_gets_all():
    assert begun([("large", 8)], "ab", 2) == {"large": "ab"}
    assert begun([("large", 8)], "b", 2) == {}
    assert begun([("two processes", 2)], CPU[:0] or "c", 1) == {"two processes": "c"}


def test_no_recipe_is_read_that_cannot_begin():
    def waiting():
        yield "one", 1
        pytest.fail("nothing is left for a second one")

    assert begins_now(waiting(), ("a",), 1) == [("one", ("a",))]


def test_what_a_process_is_shown(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    show_only((CPU,))
    show_only(())
    assert "CUDA_VISIBLE_DEVICES" not in os.environ
    assert variables(("GPU-a", "GPU-b")) == {"CUDA_VISIBLE_DEVICES": "GPU-a,GPU-b"}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    show_only(("GPU-a",))
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-a"


class FakeDriver(ModuleType):
    """Three GPUs; the second is divided into two parts."""

    class NVMLError(Exception):
        pass

    def __init__(self) -> None:
        super().__init__("pynvml")

    def nvmlInit(self) -> None: ...
    def nvmlShutdown(self) -> None: ...

    def nvmlDeviceGetCount(self) -> int:
        return 3

    def nvmlDeviceGetHandleByIndex(self, index: int) -> str:
        if index >= 3:
            raise self.NVMLError
        return f"GPU-{index}"

    def nvmlDeviceGetUUID(self, handle: str) -> Any:
        return handle.encode() if handle == "GPU-2" else handle

    def nvmlDeviceGetMigMode(self, handle: str) -> tuple[int, int]:
        if handle == "GPU-2":
            raise self.NVMLError
        return (1, 1) if handle == "GPU-1" else (0, 0)

    def nvmlDeviceGetMaxMigDeviceCount(self, handle: str) -> int:
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle: str, index: int) -> str:
        if index not in {0, 3}:
            raise self.NVMLError
        return f"MIG-{handle[-1]}{index}"


@pytest.mark.parametrize(
    ("visible", "there_is"),
    [
        (None, ("GPU-0", "MIG-10", "MIG-13", "GPU-2")),
        ("2,0", ("GPU-2", "GPU-0")),
        ("1", ("MIG-10", "MIG-13")),
        ("GPU-2", ("GPU-2",)),
        ("", (CPU,)),
        ("7", (CPU,)),
    ],
)
def test_gpus_by_uuid_as_cuda_would_show_them(visible, there_is, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pynvml", FakeDriver())
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert devices() == there_is


def test_without_a_driver_there_is_the_processor(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pynvml", None)
    assert devices() == (CPU,)
