"""What is offered for a run, by how it stands; and that nothing a run is called becomes markup."""

from __future__ import annotations

import os
import re
import time

import pytest

from studio.run.directory import Status
from studio.run.events import Ended, EventWriter, Look, Metrics, Phase, Resumed, Warned
from studio.run.order import move
from studio.run.owner import claim
from studio.run.submit import submit
from studio.run.wish import Wish
from studio.ui.run_acts import acts_html, fingerprint, moves_for

PRESS = re.compile(r'data-press="([^"]+)"(?![^>]*disabled)')


@pytest.fixture
def run(home, make_recipe):
    return submit(home, make_recipe())


def look(home, *runs):
    return [(run, run.status()) for run in runs]


def offered(home, run) -> set[str]:
    """The verbs that can be pressed for a run, the queue aside."""
    html = acts_html(home, look(home, run), run.name).partition('class="run-queue"')[0]
    return {press.partition(":")[0] for press in PRESS.findall(html)} - {"pin"}  # which is always there


def write(run, *events) -> None:
    with EventWriter(run.events_path) as writer:
        for event in events:
            writer.write(event)


def keep_checkpoint(run, step: int) -> None:
    (run.path / "checkpoints" / f"checkpoint-{step}").mkdir(parents=True)


def test_over_the_life_of_a_run(home, run) -> None:
    assert offered(home, run) == {"cancel", "pause"}
    claim(run.owner_path)
    write(run, Phase(phase="training"))
    assert offered(home, run) == {"stop", "pause", "cancel"}
    run.ask(Wish.PAUSE)
    assert offered(home, run) == {"cancel"}
    run.ask(Wish.CANCEL)
    assert offered(home, run) == set()
    write(run, Ended(kind="cancelled"))
    assert offered(home, run) == set()


@pytest.mark.parametrize(
    ("end", "verbs"),
    [
        ("finished", {"extend", "branch"}),
        ("stopped", {"resume", "extend", "branch"}),
        ("paused", {"resume", "extend", "branch"}),
        ("failed", {"resume", "branch"}),
    ],
)
def test_after_its_end(home, run, end, verbs) -> None:
    claim(run.owner_path)
    write(run, Metrics(step=1, values={"loss": 1.0}), Ended(kind=end))
    before = {"resume"} if end == "paused" else set()  # a run that was paused before its first step begins anew
    assert offered(home, run) == before, "there is nothing to go on from"
    keep_checkpoint(run, 3)
    assert offered(home, run) == verbs


def test_ending_at_once_is_offered_when_nothing_is_heard_of_it_or_stopping_takes_long(home, run) -> None:
    claim(run.owner_path)
    long_ago = time.time() - 3000
    steps = [Metrics(step=step, time=long_ago + step, values={"loss": 1.0}) for step in range(20)]
    write(run, Phase(phase="training", time=long_ago), *steps)
    assert "end" not in offered(home, run), "it was taken up just now"
    before = fingerprint(home, look(home, run))
    os.utime(run.owner_path, (long_ago, long_ago))
    assert "end" in offered(home, run)
    assert fingerprint(home, look(home, run)) != before, "an open page hears of it"
    write(run, Metrics(step=21, values={"loss": 1.0}))
    assert "end" not in offered(home, run)
    run.ask(Wish.STOP)
    assert "end" not in offered(home, run)
    os.utime(run.stop_path, (time.time() - 60, time.time() - 60))
    assert offered(home, run) == {"cancel", "end"}


def test_a_failure_with_a_cause_offers_what_helps(home, make_recipe) -> None:
    run = submit(home, make_recipe({"training.batch_size": 8}))
    claim(run.owner_path)
    write(run, Ended(kind="failed", cause="memory", message="The memory was not enough."))
    html = acts_html(home, look(home, run), run.name)
    assert "Try again: Batch 4, accumulated 2 times" in html
    assert {"try", "take"} <= offered(home, run)
    write(run, Resumed(step=0))
    assert moves_for(run) == (), "what was before it was resumed is over"


@pytest.mark.parametrize("cause", ["divergence", "plateau"])
def test_a_warning_offers_what_helps_the_next_run(home, run, cause) -> None:
    claim(run.owner_path)
    write(run, Phase(phase="training"), Warned(message="Look at this.", cause=cause))
    assert "Look at this." in acts_html(home, look(home, run), run.name)
    assert {"try", "take", "stop"} <= offered(home, run)


@pytest.mark.parametrize(
    ("kept", "says"), [(30, "step 30, the best"), (40, "step 40, near the best (step 30)"), (60, "")]
)
def test_of_rows_learned_by_heart_the_best_checkpoint_is_offered(home, run, kept, says) -> None:
    claim(run.owner_path)
    losses = [Metrics(step=step, values={"loss": 3 / step}) for step in range(1, 61)]
    checks = [Metrics(step=step, values={"eval_loss": 1 + abs(step - 30) / 50}) for step in range(10, 61, 10)]
    write(run, *losses, *checks, Warned(step=60, message="By heart.", cause="overfitting"))
    (run.path / "checkpoints" / f"checkpoint-{kept}").mkdir(parents=True)
    html = acts_html(home, look(home, run), run.name)
    assert "By heart." in html
    assert (f"Take the model of {says}" in html) == (f"Go on from {says}" in html) == bool(says)
    assert (f'<input name="max_steps" value="{kept}">' in html) == bool(says)


def test_the_queue_is_shown_in_its_order(home, make_recipe) -> None:
    runs = [submit(home, make_recipe({"training.epochs": epochs})) for epochs in (1, 2, 3)]

    def order() -> list[str]:
        html = acts_html(home, look(home, *runs[::-1]), None)
        return re.findall(r'data-press="cancel:([^"]+)"', html)

    assert order() == [run.name for run in runs]
    before = fingerprint(home, look(home, *runs[::-1]))
    move(home, runs[2], -1)
    assert order() == [runs[0].name, runs[2].name, runs[1].name]
    assert fingerprint(home, look(home, *runs[::-1])) != before


def test_with_no_run_there_is_nothing(home) -> None:
    assert acts_html(home, [], None) == ""


def test_names_are_text(home, run) -> None:
    hostile = run.path.rename(home.runs / '"><img src=x>')
    there = type(run)(hostile)
    assert there.status() is Status.WAITING
    assert "<img" not in acts_html(home, look(home, there), there.name)


def test_a_run_that_forgot_may_go_on_from_before(home, run) -> None:
    claim(run.owner_path)
    write(run, Warned(step=20, cause="forgetting", message="It forgot."))
    write(run, *(Metrics(step=step, values={"loss": 1.0}) for step in range(21, 1500)), Ended(kind="finished"))
    for step in (10, 15, 30):
        keep_checkpoint(run, step)
    html = acts_html(home, look(home, run), run.name)
    assert "It forgot." in html, "however much was measured since"
    assert "Go on from step 15, before it forgot" in html
    assert '<input name="step" value="15">' in html
    assert {"try", "take", "branch"} <= offered(home, run)


def test_a_run_that_forgot_and_came_back_needs_no_help(home, run) -> None:
    write(run, Look(right={"sum": "1" * 20}), Look(step=20, right={"sum": "0" * 20}))
    write(run, Warned(step=20, cause="forgetting", message="It forgot."), Metrics(step=21, values={"loss": 1.0}))
    assert "It forgot." in acts_html(home, look(home, run), run.name)
    write(run, Look(step=40, right={"sum": "1" * 20}))
    assert "It forgot." not in acts_html(home, look(home, run), run.name)
