import threading
import time

import pytest

from studio.answer.line import WaitingLine


def wait_for(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


class Visitors:
    """Each comes in a thread of its own and stays until it is sent away."""

    def __init__(self, line):
        self.line = line
        self.inside, self.served, self.events, self.threads = [], [], {}, []

    def come(self, asker, suits=lambda: True, gives_up=lambda: False):
        came = len(self.line._places) + self.gone()
        leaves = self.events.setdefault(asker, threading.Event())

        def stay():
            with self.line.place(asker, suits, gives_up) as place:
                if place is None:
                    return
                self.served.append(asker)
                self.inside.append(asker)
                place.settled()
                leaves.wait(5)
                self.inside.remove(asker)

        self.threads.append(threading.Thread(target=stay))
        self.threads[-1].start()
        wait_for(lambda: len(self.line._places) + self.gone() == came + 1)

    def gone(self):
        return sum(not thread.is_alive() for thread in self.threads)

    def leave(self, asker):
        self.events[asker].set()

    def all_leave(self):
        for event in self.events.values():
            event.set()
        for thread in self.threads:
            thread.join(5)


@pytest.fixture
def visitors():
    visitors = Visitors(WaitingLine(most=2))
    yield visitors
    visitors.all_leave()
    assert visitors.line._places == []


def test_first_come_first_served(visitors):
    for number in range(20):
        visitors.come(str(number))
    wait_for(lambda: len(visitors.inside) == 2)
    assert visitors.inside == ["0", "1"]
    visitors.all_leave()
    assert visitors.served == [str(number) for number in range(20)]


def test_one_of_each_asker_and_the_others_pass(visitors):
    for asker in ("a", "a", "b"):
        visitors.come(asker)
    wait_for(lambda: len(visitors.inside) == 2)
    assert visitors.inside == ["a", "b"]


def test_nobody_overtakes_who_needs_an_empty_room(visitors):
    for asker, suits in (("a", lambda: True), ("other base", lambda: False), ("c", lambda: True)):
        visitors.come(asker, suits)
    wait_for(lambda: visitors.inside == ["a"])
    time.sleep(0.02)
    assert visitors.inside == ["a"]
    visitors.leave("a")
    wait_for(lambda: visitors.inside == ["other base", "c"])


def test_who_sits_may_want_to_be_alone(visitors):
    alone = []

    def ask():
        with visitors.line.place("big") as place:
            place.settled()
            wait_for(lambda: "a" in visitors.inside)
            alone.append(place.alone())
            alone.append(list(visitors.inside))

    thread = threading.Thread(target=ask)
    thread.start()
    wait_for(lambda: visitors.line._places)
    visitors.come("a")
    wait_for(lambda: len(visitors.line._places) == 2 and not visitors.line.others(visitors.line._places[1]))
    visitors.threads.append(thread)
    visitors.come("b")
    time.sleep(0.02)
    assert alone == []
    visitors.leave("a")
    thread.join(5)
    assert alone == [True, []]
    wait_for(lambda: visitors.inside == ["b"])


def test_waiting_can_be_given_up(visitors):
    gone = threading.Event()
    visitors.come("a")
    visitors.come("b")
    visitors.come("c", gives_up=gone.is_set)
    gone.set()
    visitors.line.look()
    visitors.threads[2].join(5)
    assert visitors.served == ["a", "b"]


def test_what_cannot_be_seated_raises_for_itself_only(visitors):
    def suits():
        raise ValueError("no such model")

    visitors.come("a")
    with pytest.raises(ValueError, match="no such model"), visitors.line.place("b", suits):
        pass
    visitors.come("c")
    wait_for(lambda: visitors.inside == ["a", "c"])
