"""The rows below a run's chart: of a step, of a list, and what is said where there are none."""

from __future__ import annotations

import json
from collections.abc import Callable

import gradio as gr
import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from studio.data.part import DataPart
from studio.home import Home
from studio.run.directory import Run
from studio.run.row_losses.record import RECORD, append, path_of
from studio.ui.row_acts import act_on_row
from studio.ui.row_losses import LONGEST, row_routes
from tests.prepared_runs import prepare_run

ROWS, STEPS = 12, 6
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def run(home: Home) -> Run:
    """Two passes over twelve rows in six steps; row 5 goes against the others, the last two are of a mixed set."""
    run = prepare_run(home, "2026-11-22-a", {"data.path": "rows.csv"})
    lines = [{"row": place + 2, "prompt": f"{place}? {HOSTILE}", "completion": f"{place}!"} for place in range(10)]
    lines += [{"row": 2, "prompt": "more?", "completion": "x" * 2 * LONGEST, "source": "more.csv"}] * 2
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (run.path / "data" / "train.jsonl").write_text(text, "utf-8")
    places = np.tile(np.arange(ROWS), 2)
    every = np.zeros(len(places), RECORD)
    every["step"], every["place"], every["tokens"] = np.arange(len(places)) // 4 + 1, places, 3
    every["loss"] = np.where(np.arange(len(places)) < ROWS, 2.0, 1.05) + 0.01 * places
    every["loss"][places == 5] = 3.0
    append(path_of(run.path), every)
    return run


@pytest.fixture
def ask(home: Home) -> Callable[..., dict]:
    app = FastAPI()
    app.include_router(row_routes(home), prefix="/studio")
    client = TestClient(app)

    def asked(name: str, what: str, status: int = 200) -> dict:
        response = client.get(f"/studio/runs/{name}/{what}")
        assert response.status_code == status, response.text
        return response.json()

    return asked


def test_the_rows_of_a_step_stand_with_the_highest_loss_first(run, ask):
    said = ask(run.name, "rows?step=2")
    assert [row["row"] for row in said["rows"]] == [7, 9, 8, 6]
    first = said["rows"][0]
    assert (first["bar"], first["source"], first["prompt"]) == (3.0, "", f"5? {HOSTILE}")
    assert first["way"] == [[2, 3.0], [5, 3.0]]
    assert said["title"] == "4 rows of step 2, loss 2.29 together"
    assert 1.0 < said["mark"] < 2.2
    assert ask(run.name, "rows?step=9999")["step"] == STEPS, "the nearest that there is"


def test_rows_of_a_mixed_set_are_named_by_it_and_long_texts_are_cut(run, ask):
    rows = ask(run.name, "rows?step=3")["rows"]
    assert {(row["row"], row["source"]) for row in rows} == {(10, ""), (11, ""), (2, "more.csv")}
    assert max(len(row["completion"]) for row in rows) == LONGEST + 2


def test_lists(run, ask):
    assert ask(run.name, "blame")["rows"][0]["row"] == 7
    assert [row["row"] for row in ask(run.name, "blame?kind=never")["rows"]] == [7]
    heart = ask(run.name, "blame?kind=heart")
    assert (heart["rows"], heart["mark"]) == ([], 1.1), "the last held-out loss"
    assert "No row's loss is below half" in heart["words"]
    assert ask(run.name, "blame?kind=spikes")["title"] == "No spikes"
    assert "Choose one of" in ask(run.name, "blame?kind=other", 400)["error"]


def test_a_loss_that_was_no_number_comes_first_and_breaks_nothing(run, ask):
    every = np.fromfile(path_of(run.path), RECORD)
    every["loss"][every["place"] == 6] = np.nan
    every.tofile(path_of(run.path))
    rows = ask(run.name, "rows?step=2")["rows"]
    assert (rows[0]["row"], rows[0]["bar"]) == (8, None)
    for kind in ("suspicious", "never", "heart", "spikes"):
        ask(run.name, f"blame?kind={kind}")


def test_a_run_of_before_says_so_and_one_in_progress_waits(home, ask):
    old, new = prepare_run(home, "old"), prepare_run(home, "new", kind=None)
    for what in ("rows?step=1", "blame", "rows"):
        assert "trained before the studio kept them" in ask(old.name, what)["none"]
        assert "appear with the first step" in ask(new.name, what)["none"]
    assert "held-out loss is at its best" in ask(old.name, "rows")["gap"]
    assert "no longer there" in ask("gone", "blame", 404)["error"]


def test_a_row_is_left_out_of_the_next_run_and_taken_back(run, home):
    part = DataPart(path="rows.csv", held_out_share=0.3)
    muted, tab = act_on_row(home, part, f"mute:{run.name}:7")
    assert muted.mends[0].rows == (7,)
    assert muted.held_out_share == 0.3
    assert tab == gr.skip()
    back, _ = act_on_row(home, muted, f"unmute:{run.name}:7")
    assert back == part
    same, tab = act_on_row(home, part, f"mend:{run.name}:7")
    assert same == gr.skip()
    assert tab.selected == "Data"


def test_where_the_next_run_has_other_data_that_of_the_run_is_taken(run, home):
    muted, _ = act_on_row(home, DataPart(path="other.csv"), f"mute:{run.name}:7")
    assert (muted.path, muted.mends[0].rows) == ("rows.csv", (7,))
    assert act_on_row(home, DataPart(), "mute:nonsense") == [gr.skip(), gr.skip()]
    with pytest.raises(gr.Error):
        act_on_row(home, DataPart(), "mute:gone:7")
