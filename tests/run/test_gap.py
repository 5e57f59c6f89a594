"""The gap between held-out and training loss: when it opens, and what is not yet called so."""

from __future__ import annotations

import math

import numpy as np
import pytest

from studio.run.events import Metrics, Resumed
from studio.run.gap import gap, gap_of

STEPS = 100
TRAINED = [(step, 3 * math.exp(-step / 30) + 0.1) for step in range(1, STEPS + 1)]
CHECKS = range(10, STEPS + 1, 10)
RISING = {step: 1 + abs(step - 40) / 50 for step in CHECKS}
FALLING = {step: 1 + 3 * math.exp(-step / 30) for step in CHECKS}


def test_it_opens_at_the_best_check():
    found = gap(TRAINED, RISING)
    assert found is not None
    assert (found.since, found.best, found.best_loss) == (40, 40, 1.0)
    assert found.words == (
        "Since step 40 the held-out loss rises while the training loss falls: it is learning rows by heart. "
        "Best: step 40 (held-out loss 1, now 2.2)."
    )
    assert [step for step, _ in found.points] == list(CHECKS)
    assert found.points[-1][1] == pytest.approx(RISING[100] - TRAINED[-1][1], abs=0.1), "smoothed"


@pytest.mark.parametrize(
    ("trained", "held_out"),
    [
        (TRAINED, FALLING),
        (TRAINED, {step: 1 + 0.005 * (step - 40) / 60 * (step > 40) for step in CHECKS}),
        (TRAINED[:50], {step: loss for step, loss in RISING.items() if step <= 50}),
        ([(step, 3 + step / 100) for step, _ in TRAINED], RISING),
        (TRAINED, {step: 1 + 0.2 * (step % 20 == 0) for step in CHECKS}),
    ],
    ids=["falling", "within a fiftieth", "one check only", "training rises too", "to and fro"],
)
def test_this_is_not_yet_called_so(trained, held_out):
    found = gap(trained, held_out)
    assert found is not None
    assert found.since is None
    assert "by heart" not in found.words.replace("nothing is learned by heart", "")


def test_chance_alone_is_seldom_called_so():
    chance = np.random.default_rng(3)
    called = 0
    for _ in range(200):
        noisy = {step: 1 + 0.1 * chance.standard_normal() for step in CHECKS}
        called += gap(TRAINED, noisy).since is not None
    assert called <= 20


def test_of_events_those_that_count():
    events = [Metrics(step=step, values={"loss": loss}) for step, loss in TRAINED]
    events += [Metrics(step=step, values={"eval_loss": loss}) for step, loss in RISING.items()]
    assert gap_of(events) == gap(TRAINED, RISING)
    back = gap_of([*events, Resumed(step=40)])
    assert back is not None
    assert back.since is None
    assert [step for step, _ in back.points] == [10, 20, 30, 40]


def test_nothing_is_said_of_what_was_not_measured():
    assert gap([], RISING) is None
    assert gap(TRAINED, {}) is None
    assert gap(TRAINED, {0: 3.0}) is None
    assert gap(TRAINED, {10: math.nan}) is None
