"""F5: kill -9 of the app in the middle of a run. The next app takes the run over and goes on with the queue."""

from __future__ import annotations

from studio.run.directory import Status
from studio.run.events import Metrics
from studio.run.owner import read_owner
from tests.fake_trainer import an_app, trainer, until, working

STEPS = 40
SLOW = trainer(f"""
for number in range(1, {STEPS} + 1):
    step(number)
    time.sleep(0.05)
end()
""")


def steps_of(run) -> list[int]:
    return [event.step for event in run.events()[0] if isinstance(event, Metrics)]


def test_the_run_is_adopted_and_the_queue_goes_on_after_it(home, make_run):
    first, second = make_run(), make_run({"training.seed": 1})
    with an_app(home, SLOW) as app:
        until(lambda: len(steps_of(first)) > 5)
        trainer_before = read_owner(first.owner_path)
        app.kill()
        app.wait()
        assert first.status() is Status.RUNNING
    with working(home, SLOW) as queue:
        until(queue.in_charge)
        until(lambda: second.status().over)
    assert read_owner(first.owner_path) == trainer_before, "nobody began it anew"
    for run in (first, second):
        assert run.status() is Status.FINISHED
        assert steps_of(run) == list(range(1, STEPS + 1)), "no gap and no repeat"
    assert second.events()[0][0].time >= first.ended().time, "the second waited for the adopted one"
