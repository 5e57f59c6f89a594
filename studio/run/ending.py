"""How a training ended, in words: at which step, why there, and what of it is kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from transformers import Trainer, TrainerCallback

from studio.data.wording import counted
from studio.errors import StudioError
from studio.run.cancel import throw_away
from studio.run.directory import Run, step_of
from studio.run.disk import is_full
from studio.run.events import Cause, Decision, Ended
from studio.run.out_of_memory import out_of_memory
from studio.run.stopping import EarlyStopping, held_out_losses
from studio.run.trouble import Trouble
from studio.run.wish import Wish


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


def paused(run: Run, step: int, steps: int) -> Ended:
    """The last event of a run that was paused after a step."""
    found = run.checkpoints()
    if found and step_of(found[-1]) == step:
        words = f"Paused at step {step:,} of {steps:,}, and all is kept. Resume it to go on."
    elif found:
        at = step_of(found[-1])
        words = (
            f"Paused at step {step:,} of {steps:,}, without room on the disk for a checkpoint of it. Free some space "
        )
        words += f"and resume it: it goes on from step {at:,}."
    else:
        words = f"Paused at step {step:,} of {steps:,}, without room on the disk for a checkpoint, so it cannot go on. "
        words += "Free some space and start a new run from its recipe."
    return Ended(kind="paused", message=words, step=step)


def ended_before(wish: Wish, step: int) -> Ended:
    """The last event of a run that was asked to end before its first step, or before the first one after `step`."""
    kept = "nothing was learned yet" if not step else f"the checkpoint of step {step:,} is kept"
    if wish is Wish.PAUSE:
        return Ended(kind="paused", step=step, message=f"Paused before the first step; {kept}. Resume it to go on.")
    return Ended(kind="stopped", step=step, message=f"Stopped before the first step; {kept}.")


def cancelled(run: Run, step: int) -> Ended:
    """The last event of a run that was cancelled. What it had learned is thrown away here."""
    throw_away(run)
    words = f"Cancelled at step {step:,}" if step else "Cancelled before the first step"
    return Ended(kind="cancelled", step=step, message=f"{words}; what was learned is thrown away, the curves are kept.")


def failed(run: Run, error: Exception, step: int) -> Ended:
    """The last event of a run that went wrong: what happened, what to do, and where it can be gone on with."""
    cause = cause_of(error)
    found = run.checkpoints()
    kept = f" The checkpoint of step {step_of(found[-1]):,} is kept." if found and cause != "checkpoint" else ""
    return Ended(kind="failed", step=step, cause=cause, message=f"{explain(error)}{kept}")


def cause_of(error: BaseException) -> Cause:
    """What lies behind an error, where that is known."""
    if isinstance(error, Trouble):
        return error.cause
    if out_of_memory(error):
        return "memory"
    return "disk" if is_full(error) else ""


def explain(error: Exception) -> str:
    """What a person needs to know of an error: what happened, and what to do."""
    if isinstance(error, StudioError):
        return str(error)
    text = f"{type(error).__name__}: {error}"[:400]
    cause = cause_of(error)
    if cause == "memory":
        return (
            "The memory was not enough for this recipe. Lower the batch size (and raise gradient accumulation by the "
            f"same factor), lower the longest row, or switch gradient checkpointing on. ({text})"
        )
    if cause == "disk":
        return "The disk is full, so the run could not go on. Free some space, then resume it or train again."
    if isinstance(error, ValueError) and "arget modules" in text:
        return (
            "The layers that the recipe names were not found in this base model, whose parts have other names. "
            f"Set the layers to all-linear. ({text})"
        )
    return f"The trainer ended with an error that it did not expect: {text}. The run's log has the details."


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
