"""F33: a generation that is stuck: it is shown, Stop ends it within a bound, and others are served."""

from __future__ import annotations

import pytest

from tests.faults.chat_room import ChatRoom, until


@pytest.fixture(autouse=True)
def with_little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.answer.chat.LOOK", 0.05)
    monkeypatch.setattr("studio.answer.chat.PARTING", 0.2)
    monkeypatch.setattr("studio.answer.patience.SHORTEST", 0.4)


def test_it_is_shown_and_stop_ends_it_and_another_is_served(chat_room: ChatRoom) -> None:
    stuck = chat_room.ask("page", "stuck")
    assert stuck.next()["kind"] == "said"
    shown = stuck.next()
    assert shown["kind"] == "note", "it is said before anybody presses anything"
    assert "press Stop" in shown["note"]
    process = chat_room.process()
    waiting = chat_room.ask("other", "stuck")
    assert waiting.next()["kind"] == "said"
    chat_room.stop("page")
    assert stuck.rest()[-1]["kind"] == "done", "who stopped it goes on at once, with what was said"
    last = waiting.rest()[-1]
    assert last["kind"] == "failed"
    assert "Send the prompt again" in last["error"], "who was stuck behind it is told what to do"
    until(lambda: not process.is_running() or process.status() == "zombie", "the stuck process is ended")
    again = chat_room.ask("other", "echo").rest()[-1]
    assert again["kind"] == "done", again


def test_an_answer_that_only_takes_long_is_let_be(chat_room: ChatRoom) -> None:
    question = chat_room.ask("page", "endless")
    kinds = {question.next()["kind"] for _ in range(200)}
    assert kinds == {"said"}
    chat_room.stop("page")
    assert question.rest()[-1]["measures"]["one"]["ended"] == "stopped"
