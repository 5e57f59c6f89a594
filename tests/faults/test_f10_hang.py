"""F10: a trainer that hangs. It is shown as stalled, still counts as running, and Stop works."""

from __future__ import annotations

import time

from studio.run import escalation
from studio.run.directory import Status
from studio.run.events import Ended
from studio.run.stalled import stalled
from studio.run.wish import Wish
from tests.fake_trainer import trainer, until, working

HANGS = trainer("""
if run.recipe.training.seed == 1:
    end()
else:
    events.write(Phase(phase="training"))
    for number in range(1, 6):
        step(number)
    time.sleep(600)
""")


def test_it_is_shown_as_stalled_and_stop_ends_it(home, make_run, monkeypatch):
    monkeypatch.setattr(escalation, "patience", lambda *_: 0.3)
    monkeypatch.setattr(escalation, "TERM", 5)
    hung, after = make_run({"training.seed": 0}), make_run({"training.seed": 1})
    with working(home, HANGS):
        until(lambda: len(hung.events()[0]) == 6)
        assert stalled(hung) == 0.0
        assert stalled(hung, time.time() + 3600) > 3000
        assert hung.status() is Status.RUNNING, "it may only be slow: a person decides"
        hung.ask(Wish.STOP)
        assert hung.status() is Status.STOPPING
        until(lambda: after.status().over)
    assert hung.status() is Status.STOPPED
    (ended,) = [event for event in hung.events()[0] if isinstance(event, Ended)]
    assert "did not end by itself" in ended.message
    assert ended.step == 5
    assert after.status() is Status.FINISHED


def test_a_trainer_that_ends_by_itself_is_let_be(home, make_run, monkeypatch):
    """It takes longer than its steps did, and writes on its way."""
    monkeypatch.setattr(escalation, "patience", lambda *_: 1.5)
    body = """
        step(1)
        while not run.asked_to_stop():
            time.sleep(0.02)
        for number in range(2, 8):
            time.sleep(0.4)
            step(number)
        end("stopped")
    """
    run = make_run()
    with working(home, trainer(body)):
        until(lambda: run.events()[0])
        run.ask(Wish.STOP)
        until(lambda: run.status().over)
    assert run.ended().message == "", "its own words"
    assert [event.step for event in run.events()[0]] == [*range(1, 8), 0]
