"""Who does a run, told apart from a later process that got the same number."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from studio.errors import StudioError
from studio.run.owner import claim, read_owner


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
    owner = claim(path).model_copy(update={"pid": child.pid, "started": psutil.Process(child.pid).create_time()})
    assert owner.alive()
    child.stdin.close()
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        pass
    assert not owner.alive(), "a zombie does nothing any more"
    child.wait()
    assert not owner.alive()


def test_a_later_process_of_the_same_number_is_another_one(path):
    owner = claim(path)
    assert owner.model_copy(update={"started": owner.started + 0.4}).alive(), "clock ticks are rounded"
    assert not owner.model_copy(update={"started": owner.started - 5}).alive()


def test_without_a_file_or_with_a_damaged_one_nobody_has_it(path):
    assert read_owner(path) is None
    path.write_text('{"pid": "ma')
    assert read_owner(path) is None
