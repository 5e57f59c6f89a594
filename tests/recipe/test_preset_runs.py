"""Every preset trains the starter, on a sample that fits it."""

from __future__ import annotations

import pytest

from studio.data.part import DataPart
from studio.recipe.presets import Preset, presets
from studio.recipe.read import changed
from studio.run.directory import Status
from studio.run.submit import submit
from tests.tiny_run import one_thread

SAMPLE = {
    "data.path": "assets/samples/tickets/train.jsonl",
    "data.held_out_path": "assets/samples/tickets/held_out.jsonl",
}
SHORT = {"training.max_steps": 2, "training.batch_size": 2, "training.gradient_accumulation": 1,
         "training.evaluations": 1, "training.evaluation_rows": 2}  # fmt: skip


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.name)
def test_a_preset_trains_the_starter(preset: Preset, home, tmp_path):
    from studio.run.train import train

    changes = {**SHORT, **({} if preset.recipe.data.path else SAMPLE)}
    if preset.recipe.data.chunks.by != "whole":
        text = tmp_path / "field.txt"
        text.write_text("\n\n".join(f"Chapter {n}. The harbour is quiet at {n} in the morning." * 9 for n in range(60)))
        changes |= {"data.path": str(text), "data.held_out_path": "", "data.held_out_share": 0.2}
    run = submit(home, changed(preset.recipe, changes))
    with one_thread():
        train(run)
    assert run.status() is Status.FINISHED, run.ended()
    losses = [event.values["loss"] for event in run.events()[0] if event.kind == "metrics" and "loss" in event.values]
    assert len(losses) == 2
    assert all(loss > 0 for loss in losses)
    assert run.result is not None


def test_no_preset_is_warned_against():
    """But for what only the machine or the missing rows say."""
    from studio.recipe.advice import advice

    for preset in presets():
        found = [
            problem.message for problem in advice(preset.recipe, None) if problem.option != "training.learning_rate"
        ]
        if preset.name not in ("soft-prompt", "most-faithful"):
            assert found == [], preset.name


def test_a_preset_with_data_names_a_sample():
    with_data = [preset for preset in presets() if preset.recipe.data != DataPart()]
    assert {"starter", "classifier"} <= {preset.name for preset in with_data}
