from __future__ import annotations

import pytest

from studio.errors import StudioError
from studio.run.branch import Parent
from studio.run.directory import Status, list_runs
from studio.run.history.again import again
from tests.prepared_runs import prepare_run


def test_a_run_once_more_has_its_rows_though_its_file_is_gone(home):
    run = prepare_run(home, "amber-fox", {"data.path": "/no/such/file.csv"})
    twin = again(home, run)
    assert twin.status() is Status.WAITING
    assert twin.recipe == run.recipe
    assert list(twin.examples("train")) == list(run.examples("train"))
    assert not twin.events_path.exists()
    with pytest.raises(StudioError, match=f"in progress already, as {twin.name}"):
        again(home, run)
    assert len(list_runs(home)) == 2
    assert list(home.runs.glob(".*")) == []


def test_a_branch_is_not_begun_from_the_base_without_a_word(home):
    run = prepare_run(home, "amber-fox")
    (run.path / "branch.json").write_text(Parent(run="grey-owl", step=4).model_dump_json())
    with pytest.raises(StudioError, match="went on from step 4 of grey-owl"):
        again(home, run)
