import threading
import time

import pytest

from studio.answer.baton import Baton


def take_part(baton, askers, steps=30, seconds=0.0):
    """Each takes so many steps, and one more thread has the baton until all wait; returns who stepped, in order."""
    order, threads = [], []

    def run(asker):
        with baton.held(asker) as turn:
            for _ in range(steps):
                order.append(asker)
                time.sleep(seconds)
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
    return order


def test_one_after_the_other_token_by_token():
    order = take_part(Baton(turn=0), ["a", "b", "c"])
    assert len(order) == 90
    assert all(len(set(order[i : i + 6])) == 3 for i in range(0, 60, 6))


def test_nobody_waits_longer_for_having_asked_less():
    order = take_part(Baton(turn=0), ["many", "many", "many", "one"], steps=20, seconds=0.002)
    last = max(i for i, asker in enumerate(order) if asker == "one")
    assert 30 < last < 60, "about every second turn until its 20 steps are done"


def test_a_turn_lasts():
    assert take_part(Baton(turn=60), ["a", "b"], steps=3) == ["a"] * 3 + ["b"] * 3


def test_what_fails_lets_go():
    baton = Baton(turn=0)
    with pytest.raises(ZeroDivisionError), baton.held("a"):
        raise ZeroDivisionError
    assert take_part(baton, ["a", "b"], steps=2)
    assert baton._had == {}


def test_who_comes_back_does_not_have_to_make_up_for_others():
    baton = Baton(turn=0)
    with baton.held("a") as turn:
        time.sleep(0.05)
        turn.between()
    order = take_part(baton, ["a", "b"], steps=10, seconds=0.001)
    assert {"a", "b"} == set(order[:4])
