"""Who does a run, told apart from a later process that got the same number."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import psutil
import pytest

from studio.errors import StudioError
from studio.run.owner import claim, read_owner, ticks_of


@pytest.fixture
def path(tmp_path):
    return tmp_path / "process.json"


def test_a_claim_says_who_with_what(path):
    owner = claim(path)
    assert read_owner(path) == owner
    assert owner.pid == os.getpid()
    assert owner.started == psutil.Process().create_time()
    assert owner.command[0] == sys.executable
    assert {"torch", "transformers", "trl", "peft"} <= set(owner.versions)
    assert owner.alive()
    assert [file.name for file in path.parent.iterdir()] == ["process.json"]


def test_a_run_is_claimed_once(path):
    first = claim(path)
    with pytest.raises(StudioError, match="was already started"):
        claim(path)
    assert read_owner(path) == first
    assert [file.name for file in path.parent.iterdir()] == ["process.json"]


def test_of_many_that_claim_at_once_one_gets_it(path):
    code = (
        "import sys; from pathlib import Path\nfrom studio.errors import StudioError\n"
        "from studio.run.owner import claim"
        "\nsys.stdin.read()\ntry: claim(Path(sys.argv[1])); print('mine')\nexcept StudioError: print('taken')"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=-1, stdout=-1, text=True) for _ in range(4)
    ]
    for child in children:
        child.stdin.close()
    assert sorted(child.stdout.read().strip() for child in children) == ["mine", "taken", "taken", "taken"]
    assert read_owner(path).pid in {child.pid for child in children}
    for child in children:
        child.wait()


def test_a_dead_process_is_not_alive(path):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1)
    owner = claim(path).model_copy(update={"pid": child.pid, "ticks": ticks_of(child.pid)})
    assert owner.alive()
    child.stdin.close()
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        pass
    assert not owner.alive(), "a zombie does nothing any more"
    child.wait()
    assert not owner.alive()


def test_a_later_process_of_the_same_number_is_another_one(path):
    owner = claim(path)
    assert not owner.model_copy(update={"ticks": owner.ticks - 5}).alive()
    assert not owner.model_copy(update={"boot": "another"}).alive()
    told = owner.model_copy(update={"ticks": 0})  # where the system tells no ticks
    assert told.model_copy(update={"started": owner.started + 0.4}).alive(), "they are rounded"
    assert not told.model_copy(update={"started": owner.started - 5}).alive()


def test_a_clock_that_is_set_changes_nothing(path, monkeypatch):
    """The start of a process in seconds since the epoch moves with the clock, in a process that began after that."""
    owner = claim(path)
    real = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: real(process) - 86_400)
    assert owner.alive()


def test_it_says_what_the_run_was_given(path, monkeypatch):
    assert (claim(path).devices, read_owner(path).family) == (None, "")
    path.unlink()
    monkeypatch.setenv("STUDIO_DEVICES", "GPU-a,GPU-b")
    monkeypatch.setenv("STUDIO_FAMILY", "fox")
    claim(path)
    assert read_owner(path).devices == ("GPU-a", "GPU-b")
    assert read_owner(path).family == "fox"


def test_the_copy_of_a_run_is_done_by_nobody_and_a_moved_one_by_whom_it_was(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDIO_FAMILY", "fox")
    run, copy, moved = tmp_path / "run", tmp_path / "copy", tmp_path / "moved"
    run.mkdir()
    claim(run / "process.json")
    shutil.copytree(run, copy)
    assert not read_owner(copy / "process.json").alive()
    assert read_owner(copy / "process.json").family == "", "nobody ends the other's processes for it"
    assert read_owner(run / "process.json").alive()
    run.rename(moved)
    assert read_owner(moved / "process.json").alive()


def test_without_a_file_or_with_a_damaged_one_nobody_has_it(path):
    assert read_owner(path) is None
    path.write_text('{"pid": "ma')
    assert read_owner(path) is None
