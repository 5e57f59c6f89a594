"""What is said in the stead of a run whose process is gone without a word."""

from __future__ import annotations

import pytest

from studio.run.directory import Status
from studio.run.events import EventWriter, Metrics, Resumed
from studio.run.last_words import give_up, speak_for
from studio.run.owner import claim
from studio.run.wish import Wish


@pytest.fixture
def lost(make_run):
    """A run whose process is gone."""
    run = make_run()
    owner = claim(run.owner_path)
    run.owner_path.write_text(owner.model_copy(update={"ticks": 5}).model_dump_json(), "utf-8")
    with EventWriter(run.events_path) as events:
        events.write(Metrics(step=7, values={"loss": 1.0}))
    assert run.status() is Status.LOST
    return run


def test_a_kill_by_nobody_here_is_most_likely_for_memory(lost):
    assert speak_for(lost, -9)
    ended = lost.ended()
    assert (ended.kind, ended.cause, ended.step) == ("failed", "memory", 7)
    assert "ended by the system" in ended.message
    assert "batch size" in ended.message
    assert "Resume" not in ended.message, "there is nothing to go on from"


@pytest.mark.parametrize(("status", "how"), [(3, "ended with status 3"), (-11, "was ended by SIGSEGV"), (-99, "99")])
def test_any_other_end_is_told_with_what_was_printed_last(lost, status, how):
    lost.log_path.write_text("one\n\ntwo\nthree\n  four  \n" + "x" * 900 + "\n")
    (lost.path / "checkpoints" / "checkpoint-5").mkdir(parents=True)
    assert speak_for(lost, status)
    ended = lost.ended()
    assert (ended.kind, ended.cause) == ("failed", "process")
    assert how in ended.message
    assert "three · four · xxx" in ended.message
    assert "two" not in ended.message
    assert len(ended.message) < 600
    assert "Resume goes on from its newest checkpoint" in ended.message


def test_nothing_is_said_twice_nor_of_what_lives_nor_where_nobody_knows(lost, make_run):
    assert not speak_for(lost), "why it is gone is not known"
    assert speak_for(lost, 1)
    assert not speak_for(lost, 1)
    living = make_run({"training.seed": 1})
    claim(living.owner_path)
    living.ask(Wish.STOP)
    assert not speak_for(living, -9)
    assert living.ended() is None


def test_nothing_is_said_of_a_run_that_was_resumed_meanwhile(lost):
    with EventWriter(lost.events_path) as events:
        events.write(Resumed(step=5))
    lost.owner_path.rename(lost.path / "process.1.json")
    assert not speak_for(lost, -9)
    assert lost.status() is Status.WAITING


@pytest.mark.parametrize(("wish", "kept", "kind"), [
    (Wish.STOP, True, "stopped"), (Wish.STOP, False, "stopped"), (Wish.PAUSE, True, "paused"),
    (Wish.PAUSE, False, "stopped"), (Wish.CANCEL, True, "cancelled"),
])  # fmt: skip
def test_what_was_asked_is_how_it_ended(lost, wish, kept, kind):
    if kept:
        (lost.path / "checkpoints" / "checkpoint-5").mkdir(parents=True)
    (lost.path / "adapter.partial").mkdir()
    lost.ask(wish)
    assert speak_for(lost, -9)
    ended = lost.ended()
    assert (ended.kind, ended.cause) == (kind, "")
    assert ("Resume goes on from the checkpoint of step 5" in ended.message) is (kept and wish is not Wish.CANCEL)
    assert (lost.path / "adapter.partial").exists() is (wish is not Wish.CANCEL)
    assert bool(lost.checkpoints()) is (kept and wish is not Wish.CANCEL)


def test_a_trainer_that_never_claimed_its_run(make_run):
    first, second, third = (make_run({"training.seed": seed}) for seed in range(3))
    give_up(first, 1)
    assert "trainer.log" in first.ended().message
    give_up(second, -9)
    assert second.ended().cause == "memory"
    third.ask(Wish.STOP)
    give_up(third, 1)
    assert third.status() is Status.STOPPED, "it was not to begin any more"
