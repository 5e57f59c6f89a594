"""What the History tab does to the other tabs."""

from __future__ import annotations

import gradio as gr
import pytest

from studio.recipe.presets import preset_named
from studio.run.directory import Status, list_runs
from studio.run.history.origin import origin_of
from studio.run.launchers import ThreadLauncher
from studio.share.run_file import write_run_file
from studio.ui.history.tab import open_run, take_in, tune_on, use_recipe
from studio.ui.model_tab import named
from studio.ui.page import _draw
from studio.ui.studio import Studio
from tests.prepared_runs import prepare_run


@pytest.fixture
def studio(home) -> Studio:
    return Studio(home, ThreadLauncher())


def test_a_past_recipe_becomes_the_draft(studio):
    prepare_run(studio.home, "amber-fox", {"method.rank": 4, "training.learning_rate": 0.01, "data.path": "/x.csv"})
    with gr.Blocks():
        draft = _draw(studio, preset_named("starter").recipe).draft
    updates = use_recipe(studio, draft, "amber-fox")
    assert set(updates) <= set(draft.outputs)
    assert updates[draft.training.fields["learning_rate"]]["value"] == 0.01
    assert updates[draft.data].path == "/x.csv"
    assert updates[draft.model] == "starter"


def test_a_run_is_opened_or_begun_again(studio):
    prepare_run(studio.home, "amber-fox")
    assert open_run(studio, "open", "amber-fox")[0] == "amber-fox"
    name = open_run(studio, "again", "amber-fox")[0]
    assert [(run.name, run.status()) for run in list_runs(studio.home)][1:] == [(name, Status.WAITING)]
    with pytest.raises(gr.Error, match="in progress already"):
        open_run(studio, "again", "amber-fox")
    with pytest.raises(gr.Error, match="no run"):
        open_run(studio, "open", "grey-owl")


def test_a_result_becomes_the_base_and_the_new_run_says_from_where(studio):
    run = prepare_run(studio.home, "amber-fox")
    run.adapter.rename(run.model)
    base = tune_on(studio, "amber-fox")
    assert base == str(run.model) == named(studio, "run:amber-fox") == named(studio, f" {base} ")
    new = prepare_run(studio.home, "grey-owl", {"model.id": base})
    origin = origin_of(new, new.recipe)
    assert origin is not None
    assert (origin.run, origin.how) == ("amber-fox", "tuned on")
    with pytest.raises(gr.Error, match="no run"):
        named(studio, "run:red-newt")
    with pytest.raises(gr.Error, match="has no result"):
        tune_on(studio, prepare_run(studio.home, "waiting", kind=None).name)


def test_a_run_file_is_taken_in(studio, tmp_path):
    path = write_run_file(prepare_run(studio.home, "amber-fox"), tmp_path)
    take_in(studio, str(path))
    take_in(studio, None)
    assert {run.name for run in list_runs(studio.home)} == {"amber-fox", "amber-fox-2"}
    (tmp_path / "other.zip").write_bytes(b"x")
    with pytest.raises(gr.Error, match="not a whole run file"):
        take_in(studio, str(tmp_path / "other.zip"))
