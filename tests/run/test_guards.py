"""When a rise of the loss, and a held-out loss that no longer falls, are warned of: once, also over a resume."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import pytest
import torch
from transformers import TrainerControl, TrainerState

from studio.run.directory import Run
from studio.run.events import EventWriter
from studio.run.guards import Rise, Watch, plateau


def warned_at(losses: Sequence[float]) -> list[int]:
    rise = Rise()
    return [step for step, loss in enumerate(losses, 1) if rise.after(step, loss)]


def test_a_loss_that_rises_well_above_its_best_is_warned_of_once():
    losses = [3 - step / 30 for step in range(60)] + [1 + step / 10 for step in range(60)]
    (step,) = warned_at(losses)
    assert 65 < step < 85
    rise = Rise()
    (said,) = filter(None, (rise.after(at, loss) for at, loss in enumerate(losses, 1)))
    assert "rising since step 6" in said


@pytest.mark.parametrize(
    "losses",
    [
        [3.0] * 200,
        [3 * math.exp(-step / 20) for step in range(200)],
        [0.01 + 0.3 * (step % 7 == 0) for step in range(200)],  # noise about nothing
        [2 + math.sin(step) for step in range(200)],
        [9.0, *[2.0] * 100, 40.0, *[2.0] * 100],  # one bad batch
        [5.0, 1.0, *[4.0] * 15],  # too early to say
        [2.0, math.nan, math.inf] * 30,
    ],
    ids=["flat", "falls", "noise", "waves", "one spike", "too short", "no numbers"],
)
def test_what_is_no_divergence(losses):
    assert warned_at(losses) == []


def test_a_held_out_loss_that_no_longer_falls_is_warned_of_at_the_third_check():
    losses = {0: 3.0, 10: 2.0, 20: 2.1, 30: 2.0, 40: 2.3}
    assert not plateau(dict([*losses.items()][:4]), 0)
    assert "for 3 checks: its best was 2 at step 10" in plateau(losses, 0)
    assert not plateau(losses | {50: 2.4}, 0), "said already"
    assert not plateau({0: 3.0, 10: 2.9, 20: 2.8, 30: 2.7}, 0)
    assert "by more than 0.5" in plateau({0: 3.0, 10: 2.9, 20: 2.8, 30: 2.7}, 0.5)


def test_a_resumed_run_does_not_warn_again(tmp_path):
    run, state = Run(tmp_path), TrainerState()
    with EventWriter(run.events_path) as events:
        for _ in range(2):  # as it goes, and once more as a new process that knows the history
            watch = Watch(events, 0.0, early_stopping=False)
            watch.on_train_begin(None, state, TrainerControl())
            for step in range(len(state.log_history) + 1, len(state.log_history) + 60):
                state.global_step = step
                entry = {"step": step, "loss": 1 + step / 20}
                state.log_history.append(entry)
                watch.on_log(None, state, TrainerControl(), logs=entry)
            for check in range(5):
                state.log_history.append({"step": state.global_step + check, "eval_loss": 2.0 + check})
                watch.on_evaluate(None, state, TrainerControl())
    assert [event.cause for event in run.events()[0]] == ["divergence", "plateau"]


@pytest.mark.parametrize("early_stopping", [False, True])
def test_rows_learned_by_heart_are_warned_of_once_and_also_in_a_resumed_run(early_stopping, tmp_path):
    run, state = Run(tmp_path), TrainerState()
    with EventWriter(run.events_path) as events:
        for first in (1, 61):
            watch = Watch(events, 0.0, early_stopping)
            watch.on_train_begin(None, state, TrainerControl())
            for step in range(first, first + 60):
                state.global_step = step
                state.log_history.append({"step": step, "loss": 3 * math.exp(-step / 40)})
                watch.on_log(None, state, TrainerControl(), logs=state.log_history[-1])
                if step % 10 == 0:
                    state.log_history.append({"step": step, "eval_loss": 1 + abs(step - 30) / 100})
                    watch.on_evaluate(None, state, TrainerControl())
    told = [(event.cause, event.step) for event in run.events()[0]]
    assert told == ([] if early_stopping else [("overfitting", 50)]), "and not of a plateau as well"


def test_the_look_at_the_gradients_costs_next_to_nothing():
    """Beside one forward and backward pass of the layer that they are of, however busy the machine is."""
    layer, rows = torch.nn.Linear(512, 512), torch.randn(256, 512)

    def step() -> None:
        layer.zero_grad()
        layer(rows).square().mean().backward()

    def look() -> None:
        bool(torch.nn.utils.get_total_norm([weight.grad for weight in layer.parameters()]).isfinite())

    def fastest(do) -> float:
        times = []
        for _ in range(30):
            begun = time.thread_time()
            do()
            times.append(time.thread_time() - begun)
        return min(times)

    step()
    assert fastest(look) < 0.2 * fastest(step), "of one layer without optimiser; of a model's step it is far less"
