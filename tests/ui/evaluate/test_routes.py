"""What the room asks for, and what it is told."""

from __future__ import annotations

import json
import shutil

import pytest

from studio.answer.evaluation.answered import AnsweredRow
from studio.answer.evaluation.folder import EVALUATIONS, evaluations_of
from studio.run.wish import Wish
from tests.prepared_runs import prepare_run
from tests.ui.evaluate.finished import HOSTILE, baseline, colour_rows, finished, request_of, waiting

ROWS = colour_rows()
NEW_ROWS = b"prompt,completion\nColour 7?,blue\nColour 8?,white\nColour 9?,red\n"


def look(client, run="amber-fox"):
    return client.get("/studio/evaluate", params={"run": run}).json()


def test_the_evaluations_of_a_run_and_the_baselines_are_listed(client, home, run):
    scores, before = finished(run, ROWS), baseline(home, run)
    waits = waiting(run.path / EVALUATIONS, request_of(run), ROWS[:3])
    told = look(client)
    assert [(line["id"], line["status"], line["active"]) for line in told["evaluations"]] == [
        (waits.id, "waiting", True),
        (scores.id, "finished", False),
    ]
    (line,) = told["baselines"]
    assert (line["id"], line["kind"], line["title"]) == (before.id, "baseline", "colours.csv")
    assert [each["label"] for each in line["contestants"]] == ["Base", "Base + 5 examples"]
    assert told["evaluations"][1]["headline"].startswith("On all 24 held-out rows the tuned model is better")
    assert [each["name"] for each in told["runs"]] == ["amber-fox"]


def test_a_run_that_is_gone_takes_its_evaluations_with_it(client, run):
    scores = finished(run, ROWS)
    shutil.rmtree(run.path)
    assert look(client)["evaluations"] == []
    told = client.get(f"/studio/evaluate/{scores.id}")
    assert told.status_code == 409
    assert "(any more)" in told.json()["error"]
    begun = client.post("/studio/evaluate/scores", json={"run": "amber-fox"})
    assert begun.json()["error"] == "This run is no longer there. Choose another one. Its evaluations went with it."


@pytest.mark.parametrize("name", ["..", "../amber-fox", "amber-fox/evaluations", "%2e%2e%2famber-fox", "", "\0"])
def test_names_are_never_paths(client, run, name):
    finished(run, ROWS)
    assert look(client, name)["evaluations"] == []
    assert client.post("/studio/evaluate/scores", json={"run": name}).status_code == 409


def test_an_opened_evaluation_has_scores_without_the_values_of_rows(client, run):
    told = client.get(f"/studio/evaluate/{finished(run, ROWS).id}").json()
    assert told["scores"]["n"] == 24
    assert "values" not in told["scores"]
    metric = next(each for each in told["scores"]["metrics"] if each["name"] == told["scores"]["main"])
    assert metric["differences"]["tuned"]["verdict"] == "better"
    assert set(metric["figures"]) == {"base", "few-shot", "tuned"}
    assert (told["skipped"], told["notes"]) == ([7], ["Nothing odd."])


def test_what_is_not_finished_has_no_scores_yet(client, run):
    waits = waiting(run.path / EVALUATIONS, request_of(run), ROWS)
    told = client.get(f"/studio/evaluate/{waits.id}")
    assert (told.status_code, "not finished" in told.json()["error"]) == (409, True)


def test_rows_are_found_sorted_and_opened(client, run):
    id = finished(run, ROWS).id
    broken = client.get(f"/studio/evaluate/{id}/rows", params={"show": "broken"}).json()
    assert [line["row"] for line in broken["rows"]] == [1]
    assert (broken["against"], broken["whose"]) == ("base", "tuned")
    row = client.get(f"/studio/evaluate/{id}/rows/0").json()
    assert (row["row"], row["about"]) == (1, {"label": "red"})
    assert [each["name"] for each in row["answers"]] == ["base", "few-shot", "tuned"]
    assert row["answers"][2]["text"].startswith(HOSTILE)
    assert client.get(f"/studio/evaluate/{id}/rows/24").json()["error"] == "There is no such row in this evaluation."
    assert client.get(f"/studio/evaluate/{id}/rows", params={"show": "everything"}).status_code == 422


def test_hostile_answers_leave_as_json_that_no_browser_takes_for_a_page(client, run):
    rows = [AnsweredRow(row=1, prompt=HOSTILE, reference="x", answers={"base": HOSTILE * 9000, "tuned": "\u202e\0x"})]
    id = finished(run, rows).id
    for path in ("", "/rows", "/rows/0"):
        told = client.get(f"/studio/evaluate/{id}{path}")
        assert told.headers["content-type"] == "application/json"
        assert len(told.content) < 200_000
    assert client.get(f"/studio/evaluate/{id}/rows/0").json()["answers"][1]["text"] == "\u202e\0x"


def test_slices_have_their_own_figures_and_their_rows(client, run):
    id = finished(run, ROWS).id
    told = client.get(f"/studio/evaluate/{id}/slices", params={"by": "label"}).json()
    assert {each["name"]: each["n"] for each in told["slices"]} == dict.fromkeys(("red", "green", "blue", "white"), 6)
    blue = next(each for each in told["slices"] if each["name"] == "blue")
    assert (blue["figures"]["base"]["value"], blue["figures"]["tuned"]["value"]) == (0.0, 1.0)
    assert (told["metric"]["title"], blue["differences"]["tuned"]["verdict"]) == ("Accuracy", "better")
    rows = client.get(f"/studio/evaluate/{id}/rows", params={"by": "label", "slice": "blue"}).json()
    assert [line["row"] for line in rows["rows"]] == [3, 7, 11, 15, 19, 23]
    assert (rows["found"], rows["of"]) == (6, 24)
    assert client.get(f"/studio/evaluate/{id}/slices", params={"by": "group"}).json()["slices"] == []


def test_rules_are_added_and_scored_over_the_answers_there_are(client, run):
    id = finished(run, ROWS).id
    rules = [{"kind": "regex", "text": "^(red|green|blue|white)$", "title": "A colour"}]
    assert client.post(f"/studio/evaluate/{id}/rules", json={"rules": rules}).json() == {}
    told = client.get(f"/studio/evaluate/{id}").json()
    (metric,) = [each for each in told["scores"]["metrics"] if each["family"] == "rules"]
    assert (metric["title"], metric["figures"]["base"]["value"]) == ("A colour", 1.0)
    assert metric["figures"]["tuned"]["value"] == pytest.approx(19 / 24)
    assert told["added"][0]["text"] == rules[0]["text"]
    by_rule = client.get(f"/studio/evaluate/{id}/rows", params={"metric": metric["name"], "show": "broken"}).json()
    assert [line["row"] for line in by_rule["rows"]] == [1, 6, 12, 18, 24]
    assert client.post(f"/studio/evaluate/{id}/rules", json={"rules": []}).json() == {}
    assert client.get(f"/studio/evaluate/{id}").json()["added"] == []


def test_all_that_is_wrong_with_rules_is_said_at_once_and_nothing_is_lost(client, run):
    id = finished(run, ROWS).id
    good = {"kind": "contains", "text": "e"}
    client.post(f"/studio/evaluate/{id}/rules", json={"rules": [good]})
    wrong = [{"kind": "regex", "text": "("}, {"kind": "contains", "text": ""}, {"kind": "json-schema", "text": "{"}]
    told = client.post(f"/studio/evaluate/{id}/rules", json={"rules": [good, *wrong]})
    assert told.status_code == 409
    for number in (2, 3, 4):
        assert f"Rule {number}" in told.json()["error"]
    assert "Rule 1" not in told.json()["error"]
    assert [rule["text"] for rule in client.get(f"/studio/evaluate/{id}").json()["added"]] == ["e"]
    many = client.post(f"/studio/evaluate/{id}/rules", json={"rules": [good] * 21})
    assert "Remove 1 of these" in many.json()["error"] or "at most 20" in many.json()["error"]


def test_scores_are_begun_once_however_often_it_is_pressed(client, studio, run):
    asked = {"run": "amber-fox", "limit": 1, "shots": 0}
    first, second = (client.post("/studio/evaluate/scores", json=asked).json() for _ in range(2))
    assert (first["again"], second["again"]) == (False, True)
    assert first["id"] == second["id"] == look(client)["evaluations"][0]["id"]
    assert len(evaluations_of(run)) == 1
    assert len(studio.poked) == 2
    other = client.post("/studio/evaluate/scores", json=asked | {"rules": [{"kind": "contains", "text": "e"}]}).json()
    assert (other["again"], len(evaluations_of(run))) == (False, 2)


def test_cancelled_evaluations_go_on_later(client, run):
    id = client.post("/studio/evaluate/scores", json={"run": "amber-fox", "shots": 0}).json()["id"]
    assert client.post(f"/studio/evaluate/{id}/cancel", json={}).json() == {}
    (line,) = look(client)["evaluations"]
    assert (line["status"], line["active"]) == (str(Wish.CANCEL) + "led", False)
    assert client.post(f"/studio/evaluate/{id}/resume", json={}).json() == {}
    assert look(client)["evaluations"][0]["status"] == "waiting"


def test_what_is_asked_wrongly_is_said_all_at_once(client, run):
    asked = {"run": "amber-fox", "limit": 0, "shots": 99, "checkpoints": ["../x"], "own": "/etc/passwd"}
    told = client.post("/studio/evaluate/scores", json=asked)
    assert told.status_code == 409
    for words in ("How many rows", "Examples", "own"):
        assert words in told.json()["error"]
    assert evaluations_of(run) == []


def test_no_other_site_can_change_anything(client, run):
    id = finished(run, ROWS).id
    for path in ("scores", "drift", f"{id}/rules", f"{id}/cancel", f"{id}/resume"):
        told = client.post(
            f"/studio/evaluate/{path}", content=json.dumps({"run": "amber-fox"}), headers={"content-type": "text/plain"}
        )
        assert (told.status_code, "application/json" in told.json()["error"]) == (409, True)


def test_a_file_is_uploaded_listed_and_read_with_the_run(client, home, run):
    told = client.put("/studio/evaluate/files/new.csv", content=NEW_ROWS).json()
    assert told["name"] == "new.csv"
    listed = client.get("/studio/evaluate/files").json()["files"]
    assert listed[0] == {"id": told["id"], "name": "new.csv", "about": "uploaded"}
    assert {"id": "sample:tickets", "name": "tickets", "about": "bundled sample"} in listed
    begun = client.post("/studio/evaluate/drift", json={"run": "amber-fox", "file": told["id"]}).json()
    (line,) = look(client)["evaluations"]
    assert (line["id"], line["kind"], line["title"]) == (begun["id"], "drift", "new.csv")


@pytest.mark.parametrize(("name", "content"), [("new.exe", b"x"), ("new.csv", b""), ("..%2f..%2fnew", b"x")])
def test_files_that_cannot_be_rows_are_refused_and_not_kept(client, home, run, name, content):
    told = client.put(f"/studio/evaluate/files/{name}", content=content)
    assert told.status_code in (404, 409)
    assert list(home.uploads.iterdir()) == []


def test_files_go_by_ids(client, run):
    for file in ("../../etc/passwd", "sample:../x", "abcd", "/etc/passwd"):
        told = client.post("/studio/evaluate/drift", json={"run": "amber-fox", "file": file})
        assert told.json()["error"] == "This file is no longer there. Choose another one, or upload it again."


def test_another_run_is_listed_apart(client, home, run):
    prepare_run(home, "grey-owl")
    finished(run, ROWS)
    assert look(client, "grey-owl")["evaluations"] == []


def test_scripts_are_served_and_nothing_else(client):
    told = client.get("/studio/evaluate/assets/room.js")
    assert told.headers["content-type"] == "text/javascript; charset=utf-8"
    assert client.get("/studio/evaluate/assets/..%2fstyle.css").status_code == 404
