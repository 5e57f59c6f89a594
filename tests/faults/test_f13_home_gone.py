"""F13, one worse: the home is removed, or its disk, under an open page. Words, no flood of errors; it may return."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.errors import StudioError
from studio.run.directory import Status, find_run, list_runs
from studio.run.launchers import ThreadLauncher
from studio.run.submit import submit
from studio.run.wish import Wish
from studio.ui.page import look
from studio.ui.studio import Studio


def test_a_home_that_is_gone_is_said_and_may_come_back(home, make_recipe, make_run, tmp_path: Path) -> None:
    run, studio = make_run(), Studio(home, ThreadLauncher())
    home.root.rename(tmp_path / "away")
    assert look(studio, "") is not None, "the page looks each two seconds: an error each time would cover it"
    assert list_runs(home) == []
    for action in (
        lambda: submit(home, make_recipe({"training.seed": 1})),
        lambda: find_run(home, run.name),
        lambda: run.ask(Wish.STOP),
    ):
        with pytest.raises(StudioError, match=str(home.root)):
            action()
    (tmp_path / "away").rename(home.root)
    assert list_runs(home) == [run]
    assert run.status() is Status.WAITING
    assert submit(home, make_recipe({"training.seed": 1})).status() is Status.WAITING
