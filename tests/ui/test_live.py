"""The live view's routes on fake run directories, and its frame."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from studio.home import Home, open_home
from studio.run import owner
from studio.run.branch import Parent
from studio.run.directory import Run
from studio.run.events import Branched, Decision, Ended, Event, EventWriter, Metrics, Phase, Resumed, Started, Warned
from studio.run.wish import Wish
from studio.ui.live import live_head, live_html, live_routes

NAME = "2026-11-20-amber-fox"
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


@pytest.fixture
def run(home: Home) -> Run:
    run = Run(home.runs / NAME)
    run.path.mkdir()
    (run.path / "recipe.yaml").write_text("{}")
    return run


@pytest.fixture
def client(home: Home) -> TestClient:
    app = FastAPI()
    app.include_router(live_routes(home), prefix="/studio")
    return TestClient(app)


def write(run: Run, *events: Event) -> None:
    with EventWriter(run.events_path) as writer:
        for event in events:
            writer.write(event)


def steps(first: int, last: int) -> list[Event]:
    return [
        Metrics(step=step, values={"loss": 2 + math.sin(step), "learning_rate": 1e-4, "tokens_per_second": 500.0})
        for step in range(first, last + 1)
    ]


def started(total: int = 50) -> Started:
    return Started(steps=total, epochs=2, rows=40, held_out_rows=4, trainable_parameters=5, parameters=100)


def figure(client: TestClient) -> dict[str, Any]:
    answer = client.get(f"/studio/runs/{NAME}/figure")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    return dict(answer.json())


def news(client: TestClient, known: dict[str, Any]) -> dict[str, Any]:
    since = {"cursor": known["cursor"], "seen": json.dumps(known.get("seen", {}))}
    answer = client.get(f"/studio/runs/{NAME}/news", params=since)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    return dict(answer.json())


def test_a_waiting_run_has_an_empty_figure(client: TestClient, run: Run) -> None:
    whole = figure(client)
    assert (whole["status"], whole["cursor"]) == ("waiting", 0)
    assert all(trace["x"] == [] for trace in whole["figure"]["data"])
    assert news(client, whole) == {"status": "waiting", "cursor": 0}


def test_what_is_drawn_plus_the_news_is_what_is_drawn_anew(client: TestClient, run: Run) -> None:
    owner.claim(run.owner_path)
    write(run, Phase(phase="loading"), started(), Phase(phase="training"), *steps(1, 7))
    known = figure(client)
    drawn = [(trace["x"], trace["y"]) for trace in known["figure"]["data"]]
    for first in (8, 9, 30):
        write(run, *steps(first, first + 3), Metrics(step=first, values={"eval_loss": 1.5}))
        known |= news(client, known)
        for i, new in known["points"].items():
            drawn[int(i)] = (drawn[int(i)][0] + new["x"], drawn[int(i)][1] + new["y"])
    whole = figure(client)
    for before, trace in zip(drawn, whole["figure"]["data"], strict=True):
        assert trace["meta"]["shows"] == "smoothed" or before == (trace["x"], trace["y"])
    assert known["seen"] == whole["seen"]
    assert known["cursor"] == whole["cursor"]


def test_the_numbers_and_the_clock(client: TestClient, run: Run) -> None:
    owner.claim(run.owner_path)
    write(run, Phase(phase="training"), started(50), *steps(1, 10), Metrics(step=10, values={"eval_loss": 1.25}))
    whole = figure(client)
    progress = whole["seen"]["progress"]
    assert whole["status"] == "running"
    assert (progress["phase"], progress["step"], progress["steps"], progress["epochs"]) == ("training", 10, 50, 2)
    assert (progress["held_out_loss"], progress["learning_rate"], progress["tokens_per_second"]) == (1.25, 1e-4, 500)
    assert whole["clock"]["left"] >= 0
    assert whole["clock"]["low"] <= whole["clock"]["left"] <= whole["clock"]["high"]
    assert "40 steps" in whole["clock"]["how"]


def test_a_look_at_an_unchanged_run_costs_a_few_dozen_bytes(client: TestClient, run: Run) -> None:
    owner.claim(run.owner_path)
    write(run, started(), *steps(1, 5))
    known = figure(client)
    answer = news(client, known)
    assert answer == {"status": "running", "cursor": known["cursor"]}
    assert len(json.dumps(answer)) < 60
    run.ask(Wish.STOP)
    assert news(client, known) == {"status": "stopping", "cursor": known["cursor"], "wish": "stop"}


def test_a_torn_last_line_waits_and_unknown_kinds_are_skipped(client: TestClient, run: Run) -> None:
    write(run, *steps(1, 2))
    known = figure(client)
    with run.events_path.open("ab") as file:
        file.write(b'{"kind":"weather","rain":true}\n{"kind":"metrics","step":3,"val')
    known |= news(client, known)
    assert "points" not in known
    with run.events_path.open("ab") as file:
        file.write(b'ues":{"loss":0.5}}\n')
    assert news(client, known)["points"]["0"] == {"x": [3], "y": [0.5]}


def test_a_loss_that_is_no_number_is_a_gap(client: TestClient, run: Run) -> None:
    write(run, *steps(1, 2))
    known = figure(client)
    write(run, Metrics(step=3, values={"loss": math.nan}), Ended(kind="failed", message="The loss …"))
    answer = news(client, known)
    assert answer["points"]["0"] == {"x": [3], "y": [None]}
    assert answer["seen"]["progress"]["loss"] == "not a number"
    assert (answer["status"], answer["ended"]) == ("failed", "The loss …")
    assert news(client, known | answer) == {"status": "failed", "cursor": answer["cursor"]}


def test_decisions_and_warnings_are_told_once_as_they_are(client: TestClient, run: Run) -> None:
    write(run, Decision(choice="precision bf16", reason="this GPU has it"))
    known = figure(client)
    write(run, Warned(message=HOSTILE), started(50))
    told = news(client, known)["story"]
    assert [entry["kind"] for entry in known["story"] + told] == ["decision", "warning", "started"]
    assert (known["story"][0]["text"], known["story"][0]["why"]) == ("precision bf16", "this GPU has it")
    assert told[0]["text"] == HOSTILE
    assert "5 of 100 weights" in told[1]["why"]


def test_a_truncated_replaced_or_long_missed_file_is_drawn_anew(client: TestClient, run: Run) -> None:
    write(run, *steps(1, 20))
    known = figure(client)
    os.truncate(run.events_path, 10)
    assert news(client, known) == {"redraw": True}
    run.events_path.rename(run.path / "old")
    write(run, *steps(1, 90))
    assert news(client, known) == {"redraw": True}
    write(run, *steps(91, 9_000))
    assert news(client, {"cursor": 0}) == {"redraw": True}


def test_a_resumed_run_is_drawn_anew_without_what_was_taken_back(client: TestClient, run: Run) -> None:
    write(run, started(50), *steps(1, 9), Ended(kind="stopped", message="Stopped at step 9.", step=9))
    known = figure(client)
    at = known["story"][-1]["at"]
    write(run, Resumed(step=6, time=known["seen"]["progress"]["last"] + 3600))
    assert news(client, known) == {"redraw": True}
    whole = figure(client)
    assert whole["figure"]["data"][0]["x"] == list(range(1, 7))
    assert whole["seen"]["progress"]["step"] == 6
    assert whole["story"][-1]["text"] == "Resumed from step 6"
    assert [entry["at"] for entry in whole["story"]][-2:] == [at, at], "what came before a resume keeps its time"
    assert whole["clock"]["elapsed"] < 60, "the hour in which nothing was done does not count"
    write(run, *steps(7, 8))
    assert news(client, whole)["points"]["0"]["x"] == [7, 8]
    assert figure(client)["figure"]["data"][0]["x"] == list(range(1, 9))


@pytest.mark.parametrize("seen", ["", "[]", '{"progress":{"steps":-1}}', '{"file":"x"}', '{"progress":{"began":NaN}}'])
def test_a_memory_that_makes_no_sense_is_drawn_anew(client: TestClient, run: Run, seen: str) -> None:
    write(run, *steps(1, 3))
    answer = client.get(f"/studio/runs/{NAME}/news", params={"cursor": 0, "seen": seen})
    assert (answer.status_code, answer.json()) == (200, {"redraw": True})


def test_absurd_numbers_sent_back_break_nothing(client: TestClient, run: Run) -> None:
    owner.claim(run.owner_path)
    write(run, *steps(1, 3))
    absurd = {"progress": {"steps": 10**9, "step_seconds": [1e308, 1e-308], "check_seconds": 1e308, "checked_at": 0}}
    assert news(client, {"cursor": 0, "seen": absurd})["cursor"] > 0


@pytest.mark.parametrize(
    "name",
    [
        "no-such-run",
        "..",
        ".",
        ".new-1",
        "%2e%2e",
        "..%2f..",
        "%2fetc",
        f"{NAME}%2f..",
        f"{NAME}%00",
        "x" * 400,
        HOSTILE,
    ],
)
@pytest.mark.parametrize("route", ["figure", "news"])
def test_only_a_run_of_this_home_is_shown(client: TestClient, run: Run, name: str, route: str) -> None:
    (run.path.parent.parent / "recipe.yaml").write_text("{}")
    answer = client.get(f"/studio/runs/{name}/{route}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"


def test_news_cost_the_same_in_a_long_run(client: TestClient, run: Run) -> None:
    """A tick of 10,000 points against one of 100, in time and in bytes. The least of many: the machine is busy."""

    def cost(last: int) -> tuple[int, float]:
        known = figure(client)
        write(run, *steps(last, last))
        seconds = []
        for _ in range(60):
            start = time.perf_counter()
            answer = news(client, known)
            seconds.append(time.perf_counter() - start)
        return len(json.dumps(answer)), min(seconds)

    write(run, started(30_000), *steps(1, 99))
    short = cost(100)
    write(run, *steps(101, 9_999))
    long = cost(10_000)
    assert long[0] < short[0] + 60 < 25_000
    assert long[1] < 1.5 * short[1]
    assert all(len(trace["x"]) <= 1000 for trace in figure(client)["figure"]["data"])


def test_a_tick_with_many_steps_is_small(client: TestClient, run: Run) -> None:
    write(run, started(30_000), *steps(1, 10))
    known = figure(client)
    write(run, *steps(11, 2_500))
    assert len(json.dumps(news(client, known))) < 25_000


def stalled_run(run: Run) -> None:
    began = time.time() - 5000
    owner.claim(run.owner_path)
    os.utime(run.owner_path, (began, began))
    training = Phase(phase="training", time=began)
    write(run, training, *(step.model_copy(update={"time": began + step.step}) for step in steps(1, 30)))


def test_a_run_of_which_nothing_is_heard_is_shown_as_stalled_until_it_is_heard_of(client: TestClient, run: Run) -> None:
    stalled_run(run)
    known = figure(client)
    assert (known["status"], known["silent"]) == ("running", pytest.approx(4970, abs=20))
    assert news(client, known)["silent"] == pytest.approx(4970, abs=20), "also where there is nothing new"
    write(run, *steps(31, 31))
    assert "silent" not in news(client, known)


def test_another_studio_in_charge_is_told(home: Home, run: Run) -> None:
    app = FastAPI()
    app.include_router(live_routes(home, in_charge=lambda: False), prefix="/studio")
    watching = TestClient(app)
    known = figure(watching)
    assert known["watching"]
    assert news(watching, known)["watching"]


def test_a_branch_comes_with_the_curves_of_its_tree(client: TestClient, home: Home, run: Run) -> None:
    parent = Run(home.runs / "parent")
    for each, first in ((parent, 1), (Run(home.runs / "sibling"), 4)):
        each.path.mkdir()
        (each.path / "recipe.yaml").write_text("{}")
        write(each, *steps(first, 8))
    for each in (run, Run(home.runs / "sibling")):
        (each.path / "branch.json").write_text(Parent(run="parent", step=3).model_dump_json())
    write(run, Branched(run="parent", step=3), *steps(4, 6))
    whole = figure(client)
    assert [(each["run"], each["step"], each["loss"]["x"]) for each in whole["forebears"]] == [
        ("parent", 3, list(range(1, 9)))
    ]
    assert whole["others"] == 1
    curves = client.get(f"/studio/runs/{NAME}/others").json()["curves"]
    assert [(each["run"], each["loss"]["x"]) for each in curves] == [("sibling", list(range(4, 9)))]
    assert client.get("/studio/runs/nobody/others").status_code == 404


def test_the_assets_are_served_from_here(client: TestClient) -> None:
    plotly = client.get("/studio/assets/plotly.min.js?v=1")
    assert plotly.headers["content-encoding"] == "gzip"
    assert "immutable" in plotly.headers["cache-control"]
    assert b"Plotly" in plotly.content
    assert client.get("/studio/assets/live.css").headers["cache-control"] == "no-cache"
    assert client.get("/studio/assets/live.js", headers={"accept-encoding": "identity"}).text.startswith("/*")
    assert client.get("/studio/assets/plain_chat_template.jinja").status_code == 404
    assert "http" not in live_head()


def test_the_frame_escapes_and_the_empty_one_says_what_to_do() -> None:
    assert HOSTILE not in live_html(HOSTILE)
    assert f'data-run="{NAME}"' in live_html(NAME)
    assert 'role="progressbar"' in live_html(NAME)
    assert 'aria-live="polite"' in live_html(NAME)
    assert "Press Train" in live_html(None)
    assert "data-run" not in live_html(None)
