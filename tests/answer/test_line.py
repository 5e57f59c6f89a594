import threading
import time

from studio.answer.line import WaitingLine


def wait_for(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_first_come_first_served():
    line, served, threads = WaitingLine(), [], []

    def visitor(number):
        with line.turn():
            served.append(number)

    with line.turn():
        for number in range(20):
            thread = threading.Thread(target=visitor, args=(number,))
            thread.start()
            threads.append(thread)
            wait_for(lambda expected=number + 2: len(line._tickets) == expected)
        assert line.busy()
        assert served == []
    for thread in threads:
        thread.join(5)
    assert served == list(range(20))
    assert not line.busy()


def test_waiting_can_be_given_up():
    line, gone, outcomes = WaitingLine(), threading.Event(), []

    def visitor():
        with line.turn(gone.is_set) as mine:
            outcomes.append(mine)

    with line.turn() as first:
        assert first
        thread = threading.Thread(target=visitor)
        thread.start()
        gone.set()
        line.look()
        thread.join(5)
        assert outcomes == [False]
    with line.turn() as again:
        assert again
