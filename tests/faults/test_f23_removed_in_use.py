"""F23: the base, the result or the whole run is removed while it is in use: words, and everything else goes on."""

from __future__ import annotations

import shutil

import pytest

from studio.answer.engine import Engine
from studio.errors import StudioError
from studio.run.directory import Run
from studio.run.history.history import History
from studio.run.launchers import ThreadLauncher
from studio.share.result import zip_result
from studio.share.run_file import write_run_file
from studio.ui.results import result_choices
from studio.ui.studio import Studio
from studio.ui.take_tab import offer
from tests.answer.results import voice_of
from tests.prepared_runs import prepare_run
from tests.tiny_run import make_base, make_run

pytestmark = pytest.mark.usefixtures("one_thread")


def test_a_base_removed_while_the_chat_has_it(tmp_path):
    run = make_run(tmp_path / "run", make_base(tmp_path / "base"))
    other = make_run(tmp_path / "other", tmp_path / "base")
    engine = Engine()
    (seat,) = engine.seats([voice_of(run)])
    shutil.rmtree(tmp_path / "base")
    assert engine.seats([voice_of(run)])[0].adapter == seat.adapter, "what is in memory goes on answering"
    for _ in range(2):
        with pytest.raises(StudioError, match=r"base of other is no longer at"):
            engine.seats([voice_of(other)])
    assert engine.seats([voice_of(run)])[0].adapter == seat.adapter


def test_a_result_removed_while_the_chat_has_it(tmp_path):
    run = make_run(tmp_path / "run", make_base(tmp_path / "base"))
    other = make_run(tmp_path / "other", tmp_path / "base")
    engine = Engine()
    engine.seats([voice_of(run)])
    shutil.rmtree(run.adapter)
    with pytest.raises(StudioError, match="has no result"):
        engine.seats([voice_of(run)])
    shutil.rmtree(run.path)
    with pytest.raises(StudioError, match="has no result"):
        engine.seats([voice_of(run)])
    assert engine.seats([voice_of(other)])[0].adapter


def test_what_the_page_says_of_a_run_that_lost_its_parts(home, tmp_path):
    base = tmp_path / "base"
    base.mkdir()
    whole = prepare_run(home, "whole", {"model.id": str(base)})
    bare = prepare_run(home, "bare", {"model.id": str(base)})
    shutil.rmtree(bare.adapter)
    base.rmdir()
    studio = Studio(home, ThreadLauncher())
    rows = {row.run: row for row in History(home).look().rows}
    assert {name: (row.result, row.wrong) for name, row in rows.items()} == {"whole": ("adapter", ""), "bare": ("", "")}
    assert [name for _, name in result_choices([(run, run.status()) for run in (whole, bare)])] == ["whole"]
    assert "No run has a result yet" in offer(studio, "bare")[0]
    assert "whole-adapter.zip" in offer(studio, "whole")[0]
    with pytest.raises(StudioError, match="has no result"):
        zip_result(bare, tmp_path / "out")
    assert write_run_file(bare, tmp_path / "out").is_file()


def test_a_run_removed_between_two_looks_is_gone_from_the_history_and_harms_no_other(home):
    run, other = prepare_run(home, "amber-fox"), prepare_run(home, "grey-owl")
    history = History(home)
    seen = history.look()
    shutil.rmtree(run.path)
    after = history.look(seen.now)
    assert (after.names, after.rows) == (["grey-owl"], [])
    assert Run(other.path).status().over
    with pytest.raises(StudioError, match="is no longer there"):
        write_run_file(run, home.root / "out")
