import threading
import time

import pytest

from studio.answer.baton import Baton


def take_part(askers, steps=30, turn=0):
    """Each takes so many steps of a second each, and begins when all wait; returns who stepped, in order."""
    order, threads = [], []
    baton = Baton(turn, clock=lambda: len(order))

    def run(asker):
        with baton.held(asker) as turn:
            for _ in range(steps):
                order.append(asker)
                turn.between()

    with baton.held("first"):
        for number, asker in enumerate(askers):
            threads.append(threading.Thread(target=run, args=[asker]))
            threads[-1].start()
            while len(baton._waiting) <= number:
                time.sleep(0.001)
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert baton._had == {}
    return order


def test_one_after_the_other_token_by_token():
    assert take_part(["a", "b", "c"]) == ["a", "b", "c"] * 30


def test_an_asker_of_many_passes_has_no_more_turns_than_others():
    order = take_part(["many", "many", "many", "one"], steps=20)
    assert order[:40] == ["many", "one"] * 20


def test_a_turn_lasts():
    assert take_part(["a", "b"], steps=3, turn=60) == ["a"] * 3 + ["b"] * 3


def test_what_fails_lets_go():
    baton = Baton()
    with pytest.raises(ZeroDivisionError), baton.held("a"):
        raise ZeroDivisionError
    with baton.held("b") as turn:
        turn.between()
    assert baton._had == {}


def test_who_comes_later_does_not_have_to_make_up_for_others():
    """Nor do the others wait until the newcomer has had as much time as they."""
    now, order = [0.0], []
    baton = Baton(turn=0, clock=lambda: now[0])

    def newcomer():
        with baton.held("new") as turn:
            for _ in range(3):
                order.append("new")
                now[0] += 1
                turn.between()

    with baton.held("old") as turn:
        now[0] = 100.0
        turn.between()
        thread = threading.Thread(target=newcomer)
        thread.start()
        while not baton._waiting:
            time.sleep(0.001)
        for _ in range(3):
            order.append("old")
            now[0] += 1
            turn.between()
    thread.join(10)
    assert order == ["old", "new"] * 3
