"""What is drawn before Start is what transformers' own scheduler does, for every schedule and many settings."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
import torch
from transformers import get_scheduler

from studio.recipe.recipe import Recipe
from studio.recipe.training import ScheduleName, TrainingPart
from studio.run.arguments import training_arguments
from studio.run.base import choose_precision
from studio.run.schedule import rates
from studio.run.steps import check_steps, evaluation_steps, steps_of
from studio.run.tasks.language_modeling import sft_config

SETTINGS = [
    {},
    {"warmup": 0.0},
    {"warmup": 0.33, "learning_rate": 3e-3, "schedule_floor": 0.5},
    {"warmup_steps": 7, "schedule_cycles": 5, "schedule_power": 0.5, "schedule_decay": 0.0},
    {"warmup_steps": 9_999, "schedule_floor": 0.0, "schedule_decay": 1.0},
    {"warmup": 0.5, "schedule_decay": 0.9, "schedule_cycles": 1, "schedule_power": 1.0},
]


def of_the_trainer(training: TrainingPart, rows: int) -> list[float]:
    """The rates of a run's own scheduler, made of its own configuration."""
    arguments = training_arguments(Recipe(training=training), choose_precision("float32"), Path("x"), rows, 4)
    config = sft_config(training, arguments)
    steps = steps_of(training, rows)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=config.learning_rate)
    scheduler = get_scheduler(
        config.lr_scheduler_type,
        optimizer,
        config.get_warmup_steps(steps),
        steps,
        scheduler_specific_kwargs=config.lr_scheduler_kwargs,
    )
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(*([1.0] if training.schedule == "reduce_lr_on_plateau" else []))
    return found


@pytest.mark.parametrize("schedule", get_args(ScheduleName))
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("rows", [1, 9, 83])
def test_the_drawn_rates_are_the_trained_ones(schedule, settings, rows):
    training = TrainingPart(schedule=schedule, batch_size=4, epochs=2.5, plateau_patience=20, **settings)
    drawn = rates(training, steps_of(training, rows))
    trained = of_the_trainer(training, rows)
    if schedule == "reduce_lr_on_plateau":  # the drawing knows no losses
        drawn, trained = drawn[:20], trained[:20]
    assert drawn == pytest.approx(trained, rel=1e-9, abs=1e-15)
    assert len(trained) == min(20, len(trained)) if schedule == "reduce_lr_on_plateau" else steps_of(training, rows)


def test_a_run_of_one_step_learns():
    assert rates(TrainingPart(), 1) == [2e-4]


def test_the_schedules_differ():
    curves = {tuple(rates(TrainingPart(schedule=name, warmup=0.1), 50)) for name in get_args(ScheduleName)}
    assert len(curves) == len(get_args(ScheduleName)) - 1  # constant, and on a plateau, look alike before the run


@pytest.mark.parametrize(("steps", "asked"), [(5, 2), (11, 4), (60, 8), (12, 100), (7, 0)])
def test_the_steps_of_held_out_checks_are_the_trainers(steps, asked):
    training = TrainingPart(max_steps=steps, evaluations=asked)
    every = evaluation_steps(training, 40)
    wanted = sorted({0, *range(every, steps + 1, every), steps}) if every else []
    assert check_steps(training, steps) == wanted
