"""Looking at many runs again and again: nothing that changed is missed, and nothing that did not is read."""

from __future__ import annotations

import pytest

from studio.run.directory import Run, Status
from studio.run.events import Ended, EventWriter, Metrics, Resumed
from studio.run.owner import claim
from studio.run.statuses import Statuses
from studio.run.wish import Wish


def test_what_changes_is_seen_at_each_look(make_run):
    run, statuses = make_run(), Statuses()

    def seen() -> Status:
        ((found, status),) = statuses.look([run])
        assert (found, status) == (run, run.status())
        return status

    assert seen() is Status.WAITING
    run.ask(Wish.PAUSE)
    assert seen() is Status.PAUSED
    run.ask(Wish.CANCEL)
    assert seen() is Status.CANCELLED
    run.stop_path.unlink()
    owner = claim(run.owner_path)
    assert seen() is Status.RUNNING
    run.owner_path.write_text(owner.model_copy(update={"ticks": 5}).model_dump_json(), "utf-8")
    assert seen() is Status.LOST
    with EventWriter(run.events_path) as events:
        events.write(Ended(kind="stopped"))
        assert seen() is Status.STOPPED
        events.write(Resumed(step=3))
    run.owner_path.unlink()
    assert seen() is Status.WAITING
    assert statuses.look([]) == []


def test_a_run_that_lives_is_asked_each_time_and_one_that_is_over_is_not_read_again(make_run, monkeypatch):
    over, living = make_run(), make_run({"training.seed": 1})
    for run in (over, living):
        claim(run.owner_path)
    with EventWriter(over.events_path) as events:
        events.write(Metrics(step=1, values={"loss": 1.0}))
        events.write(Ended(kind="finished"))
    statuses = Statuses()
    expected = [(over, Status.FINISHED), (living, Status.RUNNING)]
    assert statuses.look([over, living]) == expected

    def status(run: Run) -> Status:
        if run == over:
            pytest.fail("read again")
        return Status.LOST

    monkeypatch.setattr(Run, "status", status)
    assert statuses.look([over, living]) == [expected[0], (living, Status.LOST)]
