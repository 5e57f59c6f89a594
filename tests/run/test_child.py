"""Replies of several questions at once, each to who asked it."""

import threading

import pytest

from studio.run.child import Gone, Inbox
from studio.run.wire import Line


class Word(Line):
    text: str


class Newest(Word):
    def replaces(self, earlier: Line) -> bool:
        return isinstance(earlier, Newest)


def test_each_question_gets_its_own_replies_in_order():
    inbox: Inbox[Word] = Inbox()
    for number, text in ((1, "a"), (2, "b"), (1, "c")):
        inbox.put(Word(id=number, text=text))
    assert [inbox.get(number, 0).text for number in (2, 1, 1)] == ["b", "a", "c"]
    assert inbox.get(1, 0) is None
    assert inbox._replies == {}


def test_what_a_later_one_replaces_is_let_go():
    inbox: Inbox[Word] = Inbox()
    for number, text in ((1, "old"), (2, "other"), (1, "new")):
        inbox.put(Newest(id=number, text=text))
    assert inbox.get(1, 0).text == "new"
    assert inbox.get(1, 0) is None
    assert inbox.get(2, 0).text == "other"


def test_all_who_wait_are_told_of_the_end_after_what_was_said():
    inbox: Inbox[Word] = Inbox()
    inbox.put(Word(id=1, text="last"))
    gone = []

    def wait():
        try:
            inbox.get(2, 10)
        except Gone:
            gone.append(True)

    waiting = [threading.Thread(target=wait) for _ in range(2)]
    for thread in waiting:
        thread.start()
    inbox.put(None)
    for thread in waiting:
        thread.join(5)
    assert gone == [True, True]
    assert inbox.get(1, 0).text == "last"
    with pytest.raises(Gone):
        inbox.get(1, 0)
