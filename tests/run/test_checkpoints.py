"""When a checkpoint is due, and which ones are thrown away for room."""

from __future__ import annotations

import pytest
from transformers import TrainerControl, TrainerState

from studio.run import checkpoints
from studio.run.checkpoints import SaveAt, make_room
from studio.run.directory import Run
from studio.run.train import callbacks_of


def due(saving: SaveAt, steps: int) -> list[int]:
    """The steps of a run of so many after which one is due."""
    found = []
    for step in range(1, steps + 1):
        control = TrainerControl()
        saving.on_step_end(None, TrainerState(global_step=step, max_steps=steps), control)
        found += [step] * control.should_save
    return found


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        ({}, [7]),
        ({"training.save_steps": 3}, [3, 6, 7]),
        ({"method.name": "full"}, []),
        ({"method.name": "full", "training.save_steps": 3}, [3, 6, 7]),
    ],
    ids=["an adapter", "an adapter, saved on the way", "a whole model", "a whole model, saved on the way"],
)
def test_the_last_step_is_kept_where_it_is_small_or_asked_for(changes, steps, make_recipe, tmp_path):
    (saving,) = (each for each in callbacks_of(Run(tmp_path), make_recipe(changes)) if isinstance(each, SaveAt))
    assert due(saving, 7) == steps


def test_a_run_that_a_check_ends_early_is_kept_there():
    control = TrainerControl()
    SaveAt(0, at_end=True).on_evaluate(None, TrainerState(), control)
    assert not control.should_save
    control.should_training_stop = True
    SaveAt(0, at_end=True).on_evaluate(None, TrainerState(), control)
    assert control.should_save


def test_room_for_a_result_is_made_of_the_oldest_and_never_of_the_newest(tmp_path, monkeypatch):
    run = Run(tmp_path)
    for step in (2, 4, 6, 10):
        (run.path / "checkpoints" / f"checkpoint-{step}").mkdir(parents=True)
    monkeypatch.setattr(checkpoints, "SPARE", 0)
    monkeypatch.setattr(checkpoints, "room", lambda folder: 4 - len(run.checkpoints()))
    assert make_room(run, 0) == ""
    assert "of the steps 2, 4 were thrown away" in make_room(run, 2)
    make_room(run, 100)
    assert [path.name for path in run.checkpoints()] == ["checkpoint-10"]
