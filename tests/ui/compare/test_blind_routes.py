"""The blind vote's routes: nobody can tell whose answer is whose before the vote, and everybody can after it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from studio.answer.chat import Told
from studio.answer.voice import Voice
from studio.answer.votes.kept import add_vote, read_votes, votes_path
from studio.answer.votes.vote import by_name
from studio.answer.wire import Measure, Piece
from studio.errors import StudioError
from studio.run.directory import Run
from studio.ui.compare.blind_routes import blind_routes
from tests.answer.votes.casting import cast
from tests.prepared_runs import prepare_run

RUN = "2026-11-20-amber-fox"
BETWEEN = {"run": RUN, "voices": [{"run": RUN, "part": "base"}, {"run": RUN}]}
ASK = {"asker": "page", "prompt": "Colour?", **BETWEEN}


class ToldHost:
    """Says what it was told to: the base `said[0]`, any other `said[1]`; the tuned one is done long before."""

    def __init__(self) -> None:
        self.said = ("red and more", "green")
        self.ended = "end"
        self.asked: list[Any] = []
        self.fails: StudioError | None = None

    def ask(self, asked, settings, asker, notify):
        self.asked.append((asked, settings, asker))
        notify("Loading the base model ...")
        if self.fails:
            raise self.fails
        texts = {pane: self.said[each.voice.source.part != "base"] for pane, each in asked.items()}
        so_far = dict.fromkeys(asked, "")
        for at in range(3):
            new = {pane: text.split(" ")[at : at + 1] for pane, text in texts.items()}
            pieces = {pane: [Piece(word, 0.9, [])] for pane, words in new.items() for word in words}
            yield Told(so_far, pieces)
            notify("The adapter amber-fox has ended.")
        measure = Measure(3, 4, 0.1, 0.3, self.ended)
        yield Told(texts, measures=dict.fromkeys(asked, measure))

    def stop(self, asker: str) -> None:
        pass


@pytest.fixture
def run(home) -> Run:
    run = prepare_run(home, RUN)
    rows = [{"row": row, "prompt": f"Colour {row}?", "completion": f"reference {row}"} for row in (4, 9)]
    (run.path / "data" / "held_out.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return run


@pytest.fixture
def studio(studio, run):
    studio.chat = ToldHost()
    return studio


@pytest.fixture
def client(studio) -> TestClient:
    return opened(studio)


def opened(studio) -> TestClient:
    app = FastAPI()
    app.include_router(blind_routes(studio), prefix="/studio")
    return TestClient(app)


def ask(client, **more) -> list[dict[str, Any]]:
    response = client.post("/studio/blind/ask", json={**ASK, **more})
    assert response.status_code == 200, response.text
    return [json.loads(line) for line in response.content.splitlines()]


def choose(client, ballot: str, choice: str = "1"):
    return client.post("/studio/blind/vote", json={"ballot": ballot, "choice": choice})


def test_nothing_tells_who_is_who_before_the_vote(client, studio):
    """Over many rounds what is sent is the same but for the order of the answers, which falls either way."""
    sent, firsts = set(), []
    for _ in range(40):
        response = client.post("/studio/blind/ask", json=ASK)
        *told, done = [json.loads(line) for line in response.content.splitlines()]
        firsts.append(done["answers"][0])
        assert set(done) == {"kind", "ballot", "answers"}
        assert sorted(done["answers"]) == ["green", "red and more"]
        text = response.text.replace(done["ballot"], "")
        for name in (RUN, 'base"', "tuned", "result", "adapter"):
            assert name not in text
        sent.add(json.dumps([told, sorted(done["answers"]), sorted(response.headers)]))
    assert len(sent) == 1
    assert 5 < firsts.count("green") < 35
    assert [line["kind"] for line in told] == ["prompt", "note", "answering", "answering", "answering"]
    assert [line["tokens"] for line in told[2:]] == [2, 3, 4], "of both together"
    orders = {tuple(each.voice.source.part for each in asked.values()) for asked, *_ in studio.chat.asked}
    assert orders == {("base", "result"), ("result", "base")}


def test_no_answer_leaves_before_both_are_whole(client, studio):
    told = ask(client)
    assert all("green" not in json.dumps(line) for line in told[:-1])


@pytest.mark.parametrize("choice", ["1", "2", "tie", "bad"])
def test_a_vote_is_kept_and_names_are_told(client, run, choice):
    *_, done = ask(client, prompt=None)
    voted = choose(client, done["ballot"], choice).json()
    places = ["base" if answer == "red and more" else "tuned" for answer in done["answers"]]
    assert voted["names"] == places
    (vote,) = read_votes(run)
    assert voted["reference"] == f"reference {vote.row}"
    assert vote.prompt == [{"role": "user", "content": f"Colour {vote.row}?"}]
    assert list(vote.answers) == done["answers"]
    assert [voice.source.run for voice in vote.voices] == [RUN, RUN], "by name, not by folder"
    assert vote.choice == {"1": "first", "2": "second"}.get(choice, choice)
    assert choose(client, done["ballot"]).status_code == 410
    assert len(read_votes(run)) == 1
    verdict = client.post("/studio/blind/verdict", json=BETWEEN).json()
    wins = [0, 0]
    if choice in "12":
        wins[places[int(choice) - 1] == "tuned"] = 1
    assert (verdict["wins"], verdict["titles"], verdict["last"]) == (wins, ["base", "tuned"], vote.id)


def test_the_same_words_count_as_a_tie_without_asking(client, studio, run):
    studio.chat.said = ("green", "green\n")
    *_, done = ask(client, prompt=None)
    assert done["same"].strip() == "green"
    assert "ballot" not in done
    assert done["reference"].startswith("reference")
    (vote,) = read_votes(run)
    assert vote.choice == "same"
    verdict = client.post("/studio/blind/verdict", json=BETWEEN).json()
    assert (verdict["state"], verdict["last"]) == ("none", "")
    assert verdict["apart"] == "1 tie (1 of them word for word the same)"


def test_a_stopped_question_leaves_no_ballot(client, studio, run):
    studio.chat.ended = "stopped"
    assert ask(client)[-1] == {"kind": "done", "stopped": True}
    assert read_votes(run) == []


def test_held_out_rows_come_once_each_and_the_system_prompt_is_said(client, studio):
    rows = [ask(client, prompt=None, system="Be brief.")[0] for _ in range(2)]
    assert {line["row"] for line in rows} == {4, 9}
    assert [line["left"] for line in rows] == [1, 0]
    assert rows[0]["messages"][0] == {"role": "system", "content": "Be brief."}
    assert all(each.messages == rows[1]["messages"] for each in studio.chat.asked[1][0].values())


def test_a_ballot_of_an_earlier_process_is_gone_and_the_votes_are_not(client, studio, run):
    *_, first = ask(client)
    choose(client, first["ballot"])
    *_, open_one = ask(client)
    again = opened(studio)
    answer = choose(again, open_one["ballot"])
    assert (answer.status_code, answer.json()["gone"]) == (410, True)
    assert "All votes so far are kept" in answer.json()["error"]
    assert len(read_votes(run)) == 1


def test_a_vote_that_cannot_be_kept_can_be_cast_again(client, run):
    *_, done = ask(client)
    votes_path(run).mkdir()
    answer = choose(client, done["ballot"])
    assert answer.status_code == 409
    assert "vote again" in answer.json()["error"]
    votes_path(run).rmdir()
    assert choose(client, done["ballot"]).status_code == 200


def test_the_last_vote_is_taken_back(client, run):
    *_, done = ask(client)
    vote = choose(client, done["ballot"]).json()["vote"]
    assert client.delete(f"/studio/blind/{RUN}/votes/{vote}").status_code == 200
    assert read_votes(run) == []
    assert client.delete(f"/studio/blind/{RUN}/votes/{vote}").status_code == 409
    assert client.delete(f"/studio/blind/none/votes/{vote}").status_code == 409


def test_votes_and_pairs_to_take_away(client, run):
    base, tuned = by_name(Voice.of_run(RUN, "base")), by_name(Voice.of_run(RUN))
    for choice in ("second", "tie"):
        add_vote(run, cast(choice, voices=(base, tuned)))
    pairs = client.get(f"/studio/runs/{RUN}/preferences.jsonl")
    assert pairs.json() == {"prompt": "Colour?", "chosen": "green", "rejected": "red"}
    assert f"{RUN}-preferences.jsonl" in pairs.headers["content-disposition"]
    votes = client.get(f"/studio/runs/{RUN}/votes.jsonl").text.splitlines()
    assert [json.loads(line)["choice"] for line in votes] == ["second", "tie"]
    assert client.get("/studio/runs/none/votes.jsonl").status_code == 404
    verdict = client.post("/studio/blind/verdict", json=BETWEEN).json()
    assert (verdict["pairs"], verdict["sensible"]) == (1, 40)
    assert verdict["headline"].startswith("tuned wins 1 to 0")


def test_what_cannot_be_asked_is_refused_in_words(client, studio, run):
    def refused(status: int = 409, **more) -> str:
        response = client.post("/studio/blind/ask", json={**ASK, **more})
        assert response.status_code == status
        return response.json()["error"]

    assert "two different ones" in refused(voices=[{"run": RUN}, {"run": RUN}])
    assert "two different ones" in refused(voices=[{"run": RUN, "part": "base", "strength": s} for s in (0.5, 1)])
    assert "prompt is empty" in refused(prompt="  ")
    assert "no longer there" in refused(run="gone")
    assert "temperature" in refused(settings={"temperature": 9})
    assert "voices" in refused(voices=[{"run": RUN}])
    plain = client.post("/studio/blind/ask", content=json.dumps(ASK), headers={"content-type": "text/plain"})
    assert plain.status_code == 409
    assert studio.chat.asked == []
    studio.chat.fails = StudioError("The memory was not enough.")
    assert ask(client)[-1] == {"kind": "failed", "error": "The memory was not enough."}
    studio.chat_refusal = lambda: "A run is training and has the GPU."
    assert refused() == "A run is training and has the GPU."
    assert choose(client, "no such ballot").status_code == 410
    assert client.post("/studio/blind/vote", json={"ballot": "x", "choice": "3"}).status_code == 409
    (run.path / "data" / "held_out.jsonl").write_text("")
    studio.chat_refusal = lambda: None
    assert "Type a prompt of your own" in refused(prompt=None)
