"""Work in the background: told of while it lasts, asked to stop when nobody waits any more."""

from __future__ import annotations

import threading

import pytest

from studio.errors import StudioError
from studio.ui.data import work as work_module
from studio.ui.data.work import Work


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_module, "SHORT", 0.02)
    monkeypatch.setattr(work_module, "LOOK", 0.02)


def test_work_says_how_far_it_is_and_what_came_of_it() -> None:
    go_on = threading.Event()

    def do(tell, stopped):
        tell("Fetching", 1_200, 5_000)
        go_on.wait(10)
        return 7

    with Work(do) as work:
        said = []
        for words in work.progress():
            said.append(words)
            if words:
                go_on.set()
        assert work.result() == 7
    assert said[-1] == "Fetching: 1,200 of 5,000"


def test_quick_work_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_module, "SHORT", 10)
    with Work(lambda tell, stopped: 1) as work:
        assert list(work.progress()) == []


def test_leaving_early_asks_it_to_stop() -> None:
    ended = threading.Event()

    def do(tell, stopped):
        while not stopped():
            pass
        ended.set()

    with Work(do) as work:
        next(work.progress())
    assert ended.wait(10)


def test_what_went_wrong_comes_with_the_result() -> None:
    def do(tell, stopped):
        raise StudioError("no")

    with Work(do) as work:
        assert list(work.progress()) == []
        with pytest.raises(StudioError, match="no"):
            work.result()
