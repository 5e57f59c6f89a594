"""What learning from preferences wants of the rows and of the other settings."""

from __future__ import annotations

from collections.abc import Iterator

from studio.recipe.launch import TITLES
from studio.recipe.problem import Move, Problem
from studio.recipe.rules.case import Case, Rule
from studio.recipe.rules.rows import WRITE
from studio.recipe.tasks import DirectPreference


def worse_answers(case: Case) -> Iterator[Problem]:
    """A better and a worse answer in each row."""
    if not isinstance(case.recipe.task, DirectPreference) or case.prepared is None or not case.rows:
        return
    if not case.prepared.train.has("rejected"):
        yield Problem(
            "task.name",
            "You set the task to preferences, but the rows have one answer each, and none that is worse. Choose rows "
            "with columns prompt, chosen and rejected, vote in the Compare tab, or set the task to language modeling.",
            moves=(WRITE,),
        )
    elif case.held_out and case.prepared.held_out.type != "preference":
        yield Problem(
            "data.held_out_path",
            "You set the task to preferences, but the held-out rows have one answer each, and none that is worse. "
            "Hold out a share of the preferences in place of a file.",
            moves=(Move("Hold out a tenth", {"data.held_out_path": "", "data.held_out_share": 0.1}),),
        )


def other_losses(case: Case) -> Iterator[Problem]:
    """Options of the plain loss, which is not what is made small here."""
    training = case.recipe.training
    if not isinstance(case.recipe.task, DirectPreference):
        return
    plain = {"training.label_smoothing": 0.0, "training.loss_type": "nll"}
    if training.label_smoothing or training.loss_type != "nll":
        option = "training.label_smoothing" if training.label_smoothing else "training.loss_type"
        what = "label smoothing" if training.label_smoothing else "the loss dft"
        yield Problem(
            option,
            f"You set {what}, which belongs to the plain loss over tokens: learning from preferences does not read it. "
            "Switch it off; for votes with mistakes set the preference loss to robust.",
            "warning",
            (Move("Switch it off", plain), Move("Robust", {"task.loss": "robust", **plain})),
        )


def sharded(case: Case) -> Iterator[Problem]:
    """The reference is worked out by whole models."""
    chosen = case.recipe.launch.strategy
    if isinstance(case.recipe.task, DirectPreference) and chosen != "ddp":
        yield Problem(
            "launch.strategy",
            f"You set the task to preferences and the strategy to {TITLES[chosen]}, but their reference is worked out "
            "before the model is cut up. Set the strategy to DDP.",
            moves=(Move("DDP", {"launch.strategy": "ddp"}),),
        )


RULES: tuple[Rule, ...] = (worse_answers, other_losses, sharded)
