from __future__ import annotations

import os
import shutil

import pytest

from studio.errors import StudioError
from studio.run import owner
from studio.run.directory import list_runs
from studio.run.history.removal import delete, sweep
from studio.run.history.summary import bytes_in
from tests.prepared_runs import prepare_run


def test_a_deleted_run_is_gone_and_says_what_it_freed(home):
    run, other = prepare_run(home, "amber-fox"), prepare_run(home, "grey-owl")
    size = bytes_in(run.path)
    assert delete(home, run) == size > 0
    assert list_runs(home) == [other]
    assert list(home.runs.glob(".*")) == []


@pytest.mark.parametrize("begun", [False, True])
def test_a_run_that_is_not_over_is_not_deleted(home, begun):
    run = prepare_run(home, "amber-fox", kind=None)
    if begun:
        owner.claim(run.owner_path)
    with pytest.raises(StudioError, match=f"is {'running' if begun else 'waiting'}, so it is not deleted"):
        delete(home, run)
    assert list_runs(home) == [run]


def test_half_a_removal_is_never_seen_and_is_swept_at_the_next_start(home, monkeypatch):
    run = prepare_run(home, "amber-fox")
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)  # killed just then
    delete(home, run)
    assert list_runs(home) == []
    assert len(list(home.runs.glob(".deleted-*"))) == 1
    monkeypatch.undo()
    mine, of_a_dead = home.runs / f".new-{os.getpid()}-1", home.runs / ".new-999999999-1"
    mine.mkdir()
    of_a_dead.mkdir()
    sweep(home)
    assert list(home.runs.iterdir()) == [mine]
