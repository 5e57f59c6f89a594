"""How a training ended, in words: at which step, why there, and the weights of which step are kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from transformers import Trainer, TrainerCallback

from studio.data.wording import counted
from studio.run.events import Decision, Ended
from studio.run.stopping import EarlyStopping, held_out_losses


def ended_as(
    trainer: Trainer, callbacks: Iterable[TrainerCallback], asked_to_stop: bool
) -> tuple[Ended, list[Decision]]:
    """The last event of a training that came to its end, and what was decided there."""
    step, steps = trainer.state.global_step, trainer.state.max_steps
    kind: Literal["stopped", "finished"] = "stopped" if asked_to_stop and step < steps else "finished"
    early = next((each for each in callbacks if isinstance(each, EarlyStopping) and each.ended_it), None)
    says, kept = "", _kept(trainer)
    decisions = []
    if kind == "stopped":
        says = f"Stopped at step {step} of {steps}; what was learned is kept."
    elif early:
        waited = counted(early.patience, "check")
        says = f"Stopped early at step {step} of {steps}: the held-out loss had not fallen for {waited}."
        decisions.append(Decision(step=step, choice=f"early stopping at step {step}", reason=says))
    if kept:
        choice = f"the weights of step {trainer.state.best_global_step} are kept"
        decisions.append(Decision(step=step, choice=choice, reason=kept))
    return Ended(kind=kind, message=f"{says} {kept}".strip(), step=step), decisions


def _kept(trainer: Trainer) -> str:
    """Which weights are kept, where the best are; nothing where they are the last and there is nothing else to say."""
    state = trainer.state
    keeps = trainer.args.load_best_model_at_end and state.best_model_checkpoint is not None
    if not keeps or state.best_metric is None:
        return ""
    before = held_out_losses(state).get(0)
    hint = ""
    if before is not None and before < state.best_metric:
        hint = f" It was lower before training ({before:.4g}): try a lower learning rate."
    if state.best_global_step == state.global_step and not hint:
        return ""
    best = f"step {state.best_global_step} ({state.best_metric:.4g})"
    return f"Held-out loss was best at {best}; those weights are kept.{hint}"
