"""What ends a run before its last step: a held-out loss that no longer falls, and a person's wish."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from studio.run.directory import Run
from studio.run.phases import heed, heed_cancel


def without_progress(losses: Sequence[float], smallest: float) -> int:
    """How many of the last held-out losses in a row were not lower, by more than `smallest`, than the last that was."""
    best, since = float("inf"), 0
    for loss in losses:
        if loss < best - smallest:
            best, since = loss, 0
        else:
            since += 1
    return since


def held_out_losses(state: TrainerState) -> dict[int, float]:
    """The held-out loss by step, as the trainer remembers it; its checkpoints keep this too."""
    return {int(entry["step"]): entry["eval_loss"] for entry in state.log_history if "eval_loss" in entry}


class EarlyStopping(TrainerCallback):  # type: ignore[misc]
    """Ends training after `patience` checks without progress. It goes by the trainer's own history, so that a resumed
    run stops where the straight one does. `ended_it` says whether it did."""

    def __init__(self, patience: int, smallest: float) -> None:
        self.patience = patience
        self._smallest = smallest
        self.ended_it = False

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if without_progress([*held_out_losses(state).values()], self._smallest) >= self.patience:
            self.ended_it = state.global_step < state.max_steps
            control.should_training_stop = True


class Heeds(TrainerCallback):  # type: ignore[misc]
    """Ends a run that is asked to end: after the step, with a checkpoint; at once and without, where all is to be
    thrown away. A held-out check is broken off."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def on_substep_end(self, *_: Any, **__: Any) -> None:
        heed_cancel(self._run)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        heed_cancel(self._run)
        if self._run.asked_to_stop():
            control.should_training_stop = control.should_save = True
            control.should_evaluate = False  # it is made up for when the run is resumed

    def on_prediction_step(self, *_: Any, **__: Any) -> None:
        heed(self._run)
