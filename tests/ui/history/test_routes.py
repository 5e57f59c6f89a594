"""What the History tab asks for, and what it is told."""

from __future__ import annotations

import io
import zipfile

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from studio.run.directory import list_runs
from studio.run.events import EventWriter, Metrics, Resumed
from studio.run.history.notes import read_notes
from studio.ui.history.curves import MOST_POINTS, curves_of
from studio.ui.history.routes import history_routes
from tests.prepared_runs import prepare_run

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def client(home) -> TestClient:
    app = FastAPI()
    app.include_router(history_routes(home), prefix="/studio")
    return TestClient(app)


def test_the_rows_and_then_only_what_is_new(client, home):
    run = prepare_run(home, "amber-fox")
    first = client.get("/studio/history").json()
    (row,) = first["rows"]
    assert (row["run"], row["status"], row["best_step"], row["notes"]["tags"]) == ("amber-fox", "finished", 6, [])
    assert first["names"] == ["amber-fox"]
    second = client.get("/studio/history", params={"since": first["now"]})
    assert second.headers["cache-control"] == "no-store"
    assert (second.json()["rows"], "names" in second.json()) == ([], False)
    said = client.put("/studio/history/amber-fox/notes", json={"name": HOSTILE, "tags": ["a"]})
    assert said.json()["name"] == read_notes(run).name == HOSTILE
    (row,) = client.get("/studio/history", params={"since": second.json()["now"]}).json()["rows"]
    assert row["notes"]["tags"] == ["a"]


def test_notes_out_of_bounds_are_refused_in_words(client, home):
    prepare_run(home, "amber-fox")
    answer = client.put("/studio/history/amber-fox/notes", json={"name": "x" * 81})
    assert (answer.status_code, answer.json()["error"]) == (
        409,
        "A name has at most 80 letters. Say the rest in the note.",
    )
    assert client.put("/studio/history/amber/notes", json={}).status_code == 404, "a part of a name is not enough"
    assert client.put("/studio/history/..%2f..%2fetc/notes", json={}).status_code == 404


def test_a_run_is_deleted_by_its_whole_name_only(client, home):
    prepare_run(home, "amber-fox")
    assert client.delete("/studio/history/amber").status_code == 404
    assert client.delete("/studio/history/amber-fox").json()["freed"] > 20_000
    assert list_runs(home) == []
    waiting = prepare_run(home, "grey-owl", kind=None)
    answer = client.delete("/studio/history/grey-owl")
    assert (answer.status_code, "is waiting" in answer.json()["error"]) == (409, True)
    assert list_runs(home) == [waiting]


def test_curves_of_two_runs_and_where_their_recipes_differ(client, home):
    prepare_run(home, "one")
    prepare_run(home, "two", {"method.rank": 4})
    answer = client.get("/studio/history/curves", params={"run": ["one", "two"]}).json()
    assert [run["run"] for run in answer["runs"]] == ["one", "two"]
    train, held_out = answer["runs"][0]["train"], answer["runs"][0]["held_out"]
    assert (train["step"], train["tokens"][-1], train["seconds"][-1]) == ([1, 2, 3, 4, 5, 6], 600.0, 6.0)
    assert (held_out["step"], held_out["loss"]) == ([2, 4, 6], [2.1, 1.3, 1.1])
    assert [each["key"] for each in answer["differences"]] == ["method.rank"]
    assert client.get("/studio/history/curves", params={"run": ["one"]}).status_code == 400
    assert client.get("/studio/history/curves", params={"run": ["one", "gone"]}).status_code == 404


def test_a_resumed_run_has_one_curve_over_tokens_and_time(home):
    run = prepare_run(home, "one", kind="stopped")
    with EventWriter(run.events_path) as events:
        events.write(Resumed(step=4, time=1_763_009_000.0))
        for step in (5, 6):
            values = {"loss": 1.0, "num_tokens": 100.0 * (step - 4)}  # the trainer counts from 0 again
            events.write(Metrics(step=step, time=1_763_009_000.0 + step - 4, values=values))
    train = curves_of(run)["train"]
    assert train["step"] == [1, 2, 3, 4, 5, 6]
    assert train["tokens"] == [100, 200, 300, 400, 500, 600]
    assert train["seconds"] == sorted(train["seconds"])
    assert train["seconds"][-1] == pytest.approx(8.0)


def test_a_long_curve_is_thinned_and_keeps_its_ends(home):
    train = curves_of(prepare_run(home, "long", losses=[1 / step for step in range(1, 3000)]))["train"]
    assert len(train["step"]) <= MOST_POINTS + 1
    assert (train["step"][0], train["step"][-1]) == (1, 2999)


def test_a_run_as_one_file_is_streamed(client, home):
    prepare_run(home, "amber-fox")
    answer = client.get("/studio/runs/amber-fox/run.zip")
    assert "amber-fox.run.zip" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert {"recipe.yaml", "events.jsonl", "run-file.json"} <= set(archive.namelist())
    assert client.get("/studio/runs/none/run.zip").status_code == 404
