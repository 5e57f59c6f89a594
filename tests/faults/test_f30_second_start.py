"""F30: a second Start after a run ended with no page attached. It begins like the first."""

from __future__ import annotations

from studio.run.directory import Status
from studio.run.submit import submit
from tests.fake_trainer import trainer, until, working


def test_the_second_start_begins_too(home, make_recipe):
    with working(home, trainer("step(1)\nend()")) as queue:
        for _ in range(2):
            run = submit(home, make_recipe())  # the very same recipe: nothing of the first one is in its way
            queue.poke()
            until(lambda run=run: run.status().over)
            assert run.status() is Status.FINISHED, run.ended()
            until(lambda: not queue._launcher.busy())
