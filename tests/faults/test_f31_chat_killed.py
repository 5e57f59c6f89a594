"""F31: the chat's process is killed in the middle of answers: all who wait are told, and the next question works."""

from __future__ import annotations

from tests.faults.chat_room import ChatRoom


def test_all_who_wait_are_told_and_the_next_question_is_answered(chat_room: ChatRoom) -> None:
    questions = [chat_room.ask(who, "endless") for who in ("first", "second")]
    for question in questions:
        assert question.next()["kind"] == "said"
    killed = chat_room.process()
    killed.kill()
    for question in questions:
        last = question.rest()[-1]
        assert last["kind"] == "failed"
        for words in ("was killed", "memory was not enough", "Send the prompt again"):
            assert words in last["error"]
    assert not chat_room.chat.busy()
    again = chat_room.ask("first", "echo").rest()[-1]
    assert (again["kind"], set(again["texts"])) == ("done", {"one", "two"})
    assert chat_room.process() != killed


def test_one_that_ends_at_each_question_is_told_each_time(chat_room: ChatRoom) -> None:
    for _ in range(2):
        last = chat_room.ask("page", "die").rest()[-1]
        assert last["kind"] == "failed"
        assert "chat.log" in last["error"], "and where to look"
    assert chat_room.ask("page", "echo").rest()[-1]["kind"] == "done"
