"""What the room asks for, and what it is told."""

from __future__ import annotations

import json

import pytest

from studio.errors import StudioError
from studio.ui.downloads import download_routes
from tests.prepared_runs import prepare_run
from tests.ui.compare.echo import EchoHost

HOSTILE = "<img src=x onerror=alert(1)>\u2028"


def question(run: str, *panes: str, **more: object) -> dict[str, object]:
    """A question to the base (pane "base") and the result (any other name) of a run."""
    part = {"base": "base"}
    voices = {pane: {"run": run, "part": part.get(pane, "result")} for pane in panes}
    messages = [{"role": "user", "content": HOSTILE}]
    return {"asker": "page1", "panes": {pane: {"voice": voices[pane], "messages": messages} for pane in panes}} | more


def lines(response) -> list[dict]:
    assert response.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.content.split(b"\n") if line]


def test_both_are_told_piece_by_piece_and_then_how_they_differ(client, studio, home):
    run = prepare_run(home, "amber-fox")
    told = lines(client.post("/studio/compare/ask", json=question("amber-fox", "base", "tuned")))
    assert told[0] == {"kind": "note", "note": "Loading the base model ..."}
    done = told[-1]
    assert done["kind"] == "done"
    assert done["texts"] == {"base": f"base: {HOSTILE}", "tuned": f"tuned: {HOSTILE}"}
    said = [line["pieces"] for line in told if line["kind"] == "said"]
    for pane, text in done["texts"].items():
        assert "".join(piece[0] for pieces in said for piece in pieces.get(pane, [])) == text
    assert said[0]["base"] == [["base:", 0.9, [[" other", 0.1]]]]
    assert done["measures"]["tuned"] == {"prompt_tokens": 3, "tokens": 4, "first": 0.1, "seconds": 0.3, "ended": "end"}
    (difference,) = done["differences"]
    assert difference["panes"] == ["base", "tuned"]
    assert difference["parting"]["after"] == 0
    (asked,) = studio.chat.asked
    assert {pane: (each.voice.source.run, each.voice.source.part) for pane, each in asked.items()} == {
        "base": (str(run.path), "base"),
        "tuned": (str(run.path), "result"),
    }


def test_settings_and_voices_arrive_as_they_were_set(client, studio, home):
    prepare_run(home, "amber-fox")
    prepare_run(home, "grey-owl")
    asked = question("amber-fox", "a", "b", settings={"temperature": 0.7, "seed": 7})
    mixed = [{"run": "amber-fox", "weight": 0.3}, {"run": "grey-owl", "part": "checkpoint-4", "weight": 0.7}]
    asked["panes"]["a"]["voice"] = {"mixed": mixed, "how": "ties", "density": 0.4}
    asked["panes"]["b"]["voice"] = {"run": "grey-owl", "strength": 1.25}
    client.post("/studio/compare/ask", json=asked)
    (heard,), (settings,) = studio.chat.asked, studio.chat.settings
    assert (settings.temperature, settings.seed, settings.max_new_tokens) == (0.7, 7, 256)
    mix = heard["a"].voice
    assert [(each.run, each.part, each.weight) for each in mix.mixed] == [
        (str(home.runs / "amber-fox"), "result", 0.3),
        (str(home.runs / "grey-owl"), "checkpoint-4", 0.7),
    ]
    assert (mix.source, mix.how, mix.density) == (None, "ties", 0.4)
    assert heard["b"].voice.strength == 1.25


def test_what_the_host_cannot_do_is_told_as_the_last_line(client, studio, home):
    prepare_run(home, "amber-fox")
    studio.chat.fails = StudioError("The memory was not enough.", "Choose a smaller base.")
    told = lines(client.post("/studio/compare/ask", json=question("amber-fox", "base")))
    assert told[-1] == {"kind": "failed", "error": "The memory was not enough.\nChoose a smaller base."}


def test_while_a_run_has_the_gpu_nothing_is_asked(client, studio, home):
    prepare_run(home, "amber-fox")
    studio.chat_refusal = lambda: "A run has the GPU."
    answer = client.post("/studio/compare/ask", json=question("amber-fox", "base"))
    assert (answer.status_code, answer.json(), studio.chat.asked) == (409, {"error": "A run has the GPU."}, [])


@pytest.mark.parametrize(
    "changes",
    [
        {"voice": {"run": "amber"}},
        {"voice": {"run": "../amber-fox"}},
        {"voice": {"run": "/etc"}},
        {"voice": {"run": "amber-fox", "part": "../../secret"}},
        {"voice": {"run": "amber-fox", "strength": 1.6}},
        {"voice": {"run": "amber-fox", "model_id": "/etc"}},
        {"voice": {"mixed": [{"run": "nobody"}]}},
        {"messages": []},
        {"messages": [{"role": "root", "content": "x"}]},
        {"messages": [{"role": "user", "content": "x" * 400_001}]},
    ],
    ids=lambda changes: str(changes)[:60],
)
def test_what_is_out_of_bounds_is_refused_in_words(client, studio, home, changes):
    prepare_run(home, "amber-fox")
    asked = question("amber-fox", "base")
    asked["panes"]["base"] |= changes
    answer = client.post("/studio/compare/ask", json=asked)
    assert answer.status_code == 409
    assert len(answer.json()["error"]) > 20
    assert "/" not in answer.json()["error"].replace(str(changes), "") or "no longer there" in answer.json()["error"]
    assert studio.chat.asked == []


def test_seven_panes_are_too_many(client, home):
    prepare_run(home, "amber-fox")
    answer = client.post("/studio/compare/ask", json=question("amber-fox", *map(str, range(7))))
    assert "At most 6 panes" in answer.json()["error"]


@pytest.mark.parametrize("sort", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
@pytest.mark.parametrize("path", ["ask", "stop", "warm", "take", "differences"])
def test_a_page_of_another_site_cannot_send_it(client, studio, home, path, sort):
    prepare_run(home, "amber-fox")
    body = json.dumps(question("amber-fox", "base"))
    answer = client.post(f"/studio/compare/{path}", content=body, headers={"content-type": sort})
    assert (answer.status_code, studio.chat.asked, studio.chat.stopped.is_set()) == (409, [], False)
    assert "application/json" in answer.json()["error"]


def test_stop_ends_the_asker_s_answers(client, studio):
    assert client.post("/studio/compare/stop", json={"asker": "page1"}).json() == {}
    assert studio.chat.stopped.is_set()


def test_what_is_about_to_be_asked_is_loaded(client, studio, home):
    run = prepare_run(home, "amber-fox")
    assert client.post("/studio/compare/warm", json={}).json() == {}
    assert client.post("/studio/compare/warm", json={"asker": "p", "voices": [{"run": "amber-fox"}]}).json() == {}
    assert studio.chat.over.wait(10)
    (voice,) = studio.chat.loaded
    assert voice.source.run == str(run.path)
    assert "no longer there" in client.post("/studio/compare/warm", json={"voices": [{"run": "x"}]}).json()["error"]


def test_an_adapter_is_written_as_it_is_heard_and_can_be_fetched(client, studio, home, monkeypatch):
    run = prepare_run(home, "amber-fox")
    written = []

    def zip_heard(voice, to):
        written.append(voice)
        (to / "amber-fox at 0.5.zip").write_bytes(b"zip")
        return to / "amber-fox at 0.5.zip"

    monkeypatch.setattr("studio.ui.compare.routes.zip_heard", zip_heard)
    path = client.post("/studio/compare/take", json={"run": "amber-fox", "strength": 0.5}).json()["path"]
    assert [(voice.source.run, voice.strength) for voice in written] == [(str(run.path), 0.5)]
    client.app.include_router(download_routes(home), prefix="/studio")
    assert client.get(f"/studio/{path}").content == b"zip"
    assert "no longer there" in client.post("/studio/compare/take", json={"run": "amber"}).json()["error"]
    studio.chat_refusal = lambda: "A run has the GPU."
    assert client.post("/studio/compare/take", json={"run": "amber-fox"}).json() == {"error": "A run has the GPU."}


def test_differences_of_answers_that_came_one_by_one(client):
    asked = [{"role": "user", "content": "?"}]
    both = {
        name: {
            "asked": asked,
            "text": f"The {name}.",
            "pieces": [["The", 0.9, []], [f" {name}.", 0.6, []]],
            "ended": "end",
        }
        for name in ("cat", "dog")
    }
    (found,) = client.post("/studio/compare/differences", json={"answers": both}).json()["differences"]
    assert found["words"] == [["both", "The"], ["first", " cat"], ["other", " dog"], ["both", "."]]
    assert found["parting"]["tokens"] == [" cat.", " dog."]
    assert "Reload" in client.post("/studio/compare/differences", json={"answers": 3}).json()["error"]


def test_shots_are_training_rows_as_turns(client, home):
    prepare_run(home, "amber-fox")
    shots = client.get("/studio/compare/shots", params={"run": "amber-fox", "k": 3}).json()
    assert shots["messages"] == [{"role": "user", "content": "Colour 1?"}, {"role": "assistant", "content": "green"}]
    assert shots["rows"] == [1]
    assert client.get("/studio/compare/shots", params={"run": "amber", "k": 3}).status_code == 404


def test_the_scripts_are_served_and_nothing_else(client):
    script = client.get("/studio/compare/assets/room.js")
    assert (script.status_code, script.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    for name in ("..%2fcompare.css", "room", "..%2f..%2fREADME.md"):
        assert client.get(f"/studio/compare/assets/{name}").status_code == 404


def test_an_echo_host_has_what_the_routes_call():
    from studio.answer.chat import ChatHost

    assert {name for name in vars(EchoHost) if not name.startswith("_")} <= set(vars(ChatHost))
