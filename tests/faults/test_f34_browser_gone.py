"""F34: the browser goes away in the middle of an answer: the host stops writing it, and answers others as before."""

from __future__ import annotations

from tests.faults.chat_room import ChatRoom, is_quiet, until


def test_the_host_stops_writing_and_answers_the_next(chat_room: ChatRoom) -> None:
    question = chat_room.ask("gone", "endless")
    assert question.next()["kind"] == "said"
    process = chat_room.process()
    assert not is_quiet(process), "it writes as long as somebody listens"
    question.leave()
    until(lambda: is_quiet(process), "nobody listens, so nothing is written")
    until(lambda: not chat_room.chat.busy(), "and nobody waits")
    assert chat_room.ask("here", "echo").rest()[-1]["kind"] == "done"
    assert chat_room.process() == process, "without a new process"


def test_what_others_are_told_goes_on(chat_room: ChatRoom) -> None:
    stays, leaves = chat_room.ask("stays", "endless"), chat_room.ask("leaves", "endless")
    assert leaves.next()["kind"] == stays.next()["kind"] == "said"
    leaves.leave()
    until(lambda: set(chat_room.chat._asked) == {"stays"}, "the one that left is stopped")
    assert [stays.next()["kind"] for _ in range(50)] == ["said"] * 50
    stays.leave()


def test_a_question_right_after_an_answer_is_not_stopped_with_it(chat_room: ChatRoom) -> None:
    """The first is still being tidied up when the second of the same page comes."""
    for _ in range(3):
        first = chat_room.ask("page", "anew")
        while first.next()["kind"] != "done":
            pass
        second = chat_room.ask("page", "echo").rest()[-1]
        assert second["measures"]["one"]["ended"] == "end"
        assert "anew" not in second["texts"]["one"]
        first.leave()
