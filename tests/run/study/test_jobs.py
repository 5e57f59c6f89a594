"""Work in the background: once for all who ask, given up when it is cancelled or forsaken."""

from __future__ import annotations

import threading
import time

import pytest

from studio.errors import StudioError
from studio.run.study import jobs as jobs_module
from studio.run.study.jobs import Jobs
from studio.run.study.lane import CANCELLED
from studio.run.study.remembered import Remembered


def until_stopped(_, stopped):
    while not stopped():
        time.sleep(0.01)
    raise StudioError(CANCELLED)


def test_work_is_done_once_and_its_result_stays():
    jobs: Jobs[int] = Jobs()
    go, done = threading.Event(), []

    def work(job, stopped):
        go.wait(5)
        done.append(1)
        return 7

    first, second = jobs.start("a", work), jobs.start("a", work)
    assert first is second
    go.set()
    assert first.over.wait(5)
    assert (jobs.get("a").result, done) == (7, [1])
    assert jobs.get("b") is None


def test_what_fails_says_why_until_it_is_tried_again():
    jobs: Jobs[int] = Jobs()

    def fails(job, stopped):
        raise StudioError("no")

    assert jobs.start("a", fails).over.wait(5)
    assert str(jobs.get("a").error) == "no"
    again = jobs.start("a", lambda job, stopped: 1)
    assert again.over.wait(5)
    assert jobs.get("a").result == 1


def test_what_is_cancelled_is_forgotten():
    jobs: Jobs[int] = Jobs()
    job = jobs.start("a", until_stopped)
    jobs.cancel()
    assert job.over.wait(5)
    assert jobs.get("a") is None


def test_what_another_wants_goes_on():
    jobs: Jobs[int] = Jobs()
    mine, other = jobs.start("a", until_stopped), jobs.start("b", until_stopped)
    jobs.cancel(lambda key: key == "a")
    assert mine.over.wait(5)
    assert not other.over.wait(0.2)
    jobs.cancel()


@pytest.mark.parametrize("other_waits", [True, False])
def test_what_nobody_asks_about_gives_way_only_to_what_waits(other_waits, monkeypatch):
    monkeypatch.setattr(jobs_module, "FORSAKEN", 0.2)
    jobs: Jobs[int] = Jobs()
    forsaken = jobs.start("a", until_stopped)
    if other_waits:
        jobs.start("b", lambda job, stopped: time.sleep(2))
    assert forsaken.over.wait(1.0) is other_waits
    jobs.cancel()


def test_what_is_asked_about_goes_on(monkeypatch):
    monkeypatch.setattr(jobs_module, "FORSAKEN", 0.3)
    jobs: Jobs[int] = Jobs()
    job = jobs.start("a", until_stopped)
    jobs.start("b", lambda job, stopped: time.sleep(2))
    for _ in range(10):
        time.sleep(0.1)
        assert jobs.get("a") is job
    assert not job.over.is_set()
    jobs.cancel()


def test_only_the_last_few_results_are_kept():
    jobs: Jobs[int] = Jobs()
    for number in range(20):
        assert jobs.start(number, lambda job, stopped: 1).over.wait(5)
    assert sum(jobs.get(number) is not None for number in range(20)) <= jobs_module.KEPT + 1


def test_the_one_asked_for_longest_ago_is_forgotten():
    values: Remembered[str, int] = Remembered(2)
    values.keep("a", 1)
    values.keep("b", 2)
    assert values.get("a") == 1
    values.keep("c", 3)
    assert [values.get(key) for key in "abc"] == [1, None, 3]
