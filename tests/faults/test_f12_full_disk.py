"""F12: the disk is full at a save, at an event, before the start. Nothing older is torn, and the run does not stay
"running"."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError

from studio.home import Home, open_home
from studio.run import checkpoints, disk, events
from studio.run.directory import Run, Status
from studio.run.manifest import flaw
from studio.run.resume import resume
from studio.run.submit import submit
from studio.run.train import train
from tests.faults.training import OPTIONS, adapter_bytes, at, measured, warnings

pytestmark = pytest.mark.usefixtures("one_thread")

FULL = OSError(errno.ENOSPC, "No space left on device")
ERRORS = {
    "optimizer.pt": ("torch.save", FULL),
    "torch's own words": ("torch.save", RuntimeError("PytorchStreamWriter failed writing file data/3")),
    "weights": ("save_file", SafetensorError("I/O error: No space left on device (os error 28)")),
    "manifest": ("seal", FULL),
}  # fmt: skip


@pytest.fixture(scope="module")
def straight(tmp_path_factory, make_recipe, one_thread) -> Run:
    run = submit(open_home(tmp_path_factory.mktemp("straight") / "home"), make_recipe(OPTIONS))
    train(run)
    return run


@pytest.mark.parametrize("where", ERRORS)
def test_at_a_save_the_checkpoint_is_left_out_and_the_run_goes_on(where, make_run, straight, monkeypatch):
    name, error = ERRORS[where]
    owner, _, function = name.rpartition(".")
    module: Any = torch if owner else checkpoints
    before = getattr(module, function)
    run = make_run(OPTIONS)

    def call(*arguments: Any, **options: Any) -> Any:
        if [path.name for path in run.checkpoints()] == ["checkpoint-2"] and not warnings(run, "disk"):
            raise error
        return before(*arguments, **options)

    monkeypatch.setattr(module, function, call)
    train(run)
    assert run.status() is Status.FINISHED, run.ended()
    (said,) = warnings(run, "disk")
    assert "checkpoint of step 4" in said
    assert "left out" in said
    assert [event.step for event in run.events()[0] if event.kind == "saved"] == [2, 6, 8]
    assert all(not flaw(path, run) for path in run.checkpoints())
    assert adapter_bytes(run) == adapter_bytes(straight)


def test_at_an_event_it_fails_with_words_and_can_be_resumed(make_run, straight, monkeypatch):
    run, write, full = make_run(OPTIONS), os.write, []

    def refuse(descriptor: int, content: bytes) -> int:
        if full and (run.path / ".reserve").exists():
            raise FULL
        return write(descriptor, content)

    with monkeypatch.context() as patch:
        at(patch, "on_step_end", 5, lambda: full.append(True))
        patch.setattr(events.os, "write", refuse)
        train(run)
    ended = run.ended()
    assert run.status() is Status.FAILED
    assert (ended.cause, ended.step) == ("disk", 5)
    assert "Free some space" in ended.message
    assert [path.name for path in run.checkpoints()] == ["checkpoint-2", "checkpoint-4"]
    assert resume(run) == 4
    train(run)
    assert measured(run) == measured(straight)


def test_without_room_for_one_checkpoint_and_the_result_nothing_begins(make_run, monkeypatch):
    run = make_run(OPTIONS)
    monkeypatch.setattr(disk, "room", lambda folder: 2**20)
    train(run)
    ended = run.ended()
    assert (ended.kind, ended.cause, ended.step) == ("failed", "disk", 0)
    assert "has 1.05 MB left" in ended.message
    assert not measured(run)


def test_where_room_runs_out_on_the_way_checkpoints_are_left_out_with_one_warning(make_run, straight, monkeypatch):
    run = make_run(OPTIONS)
    monkeypatch.setattr(checkpoints, "room", lambda folder: 10 if len(run.checkpoints()) == 2 else 2**40)
    train(run)
    assert run.status() is Status.FINISHED
    assert len(warnings(run, "disk")) == 2, "one of the checkpoints, one of what was thrown away for the result"
    assert [path.name for path in run.checkpoints()] == ["checkpoint-4"]
    assert adapter_bytes(run) == adapter_bytes(straight)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Home]]:
    """`small_disk(bytes)`: a home on a disk of its own, where this user may mount one."""
    folder = tmp_path / "disk"

    def mount(size: int) -> Home:
        folder.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True)
        if done.returncode:
            pytest.skip("no disk can be mounted here; the tests above say the same with a refusing system")
        return open_home(folder / "home")

    yield mount
    if os.path.ismount(folder):
        subprocess.run(["umount", "-l", folder], check=True)


def test_a_really_full_disk_at_a_save_and_at_the_result(small_disk, make_recipe, monkeypatch):
    """Somebody else fills it after the first checkpoint: to the last byte. Then they go, and the run goes on."""
    home = small_disk(16 * 2**20)
    run = submit(home, make_recipe(OPTIONS))
    ballast = home.root / "ballast"
    monkeypatch.setattr(checkpoints, "SPARE", -(2**40))  # it does not see it coming
    monkeypatch.setattr(disk, "SPARE", 0)

    def fill() -> None:
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(2**16))

    with monkeypatch.context() as patch:
        at(patch, "on_step_begin", 3, fill)
        train(run)
    ended = run.ended()
    assert (run.status(), ended.cause) == (Status.FAILED, "disk"), ended
    assert [path.name for path in run.checkpoints()] == ["checkpoint-2"]
    assert not flaw(run.checkpoints()[0], run)
    ballast.unlink()
    shutil.rmtree(home.cache, ignore_errors=True)
    assert resume(run) == 2
    train(run)
    assert run.status() is Status.FINISHED, run.ended()
