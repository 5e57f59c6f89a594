"""Whether the training options fit each other, the machine and the length of the run."""

from __future__ import annotations

from collections.abc import Iterator

from studio.recipe.optimizers import NEEDS_GPU, OPTIMIZERS
from studio.recipe.problem import Move, Problem
from studio.recipe.rules.case import Case, Rule
from studio.recipe.trackers import TRACKERS

FAR = 30.0  # times the usual learning rate, or a part of it so small, that hardly any run goes well
FEWEST_STEPS = 3


def precision(case: Case) -> Iterator[Problem]:
    """Half precision on a CPU."""
    if case.hardware and case.recipe.training.precision == "float16" and not case.gpus:
        yield Problem(
            "training.precision",
            "You set the precision to float16, but a CPU trains badly in it. Set it to auto, bfloat16 or float32.",
            moves=(Move("Auto", {"training.precision": "auto"}),),
        )


def optimizer(case: Case) -> Iterator[Problem]:
    """Paging without a GPU."""
    name = case.recipe.training.optimizer
    if case.hardware and name in NEEDS_GPU and not case.gpus:
        plain = name.removeprefix("paged-")
        yield Problem(
            "training.optimizer",
            f"You set the optimiser to {OPTIMIZERS[name].title}, which moves its state out of a full GPU, but this "
            f"machine has none. Set it to {OPTIMIZERS[plain].title}, which learns the same.",
            "warning",
            (Move(OPTIMIZERS[plain].title, {"training.optimizer": plain}),),
        )


def learning_rate(case: Case) -> Iterator[Problem]:
    """Far from where anybody begins."""
    rate, usual = case.recipe.training.learning_rate, case.usual_rate
    if usual and not usual / FAR <= rate <= usual * FAR:
        much = "the loss will most likely jump and never come down" if rate > usual else "hardly anything is learned"
        yield Problem(
            "training.learning_rate",
            f"You set the learning rate to {rate:g}, but {case.recipe.method.title} on this base model is usually "
            f"begun with {usual:g}: {much}. Set it to {usual:g}.",
            "warning",
            (Move(f"{usual:g}", {"training.learning_rate": usual}),),
        )


def warmup(case: Case) -> Iterator[Problem]:
    """A warm-up that never ends."""
    steps = case.recipe.training.warmup_steps
    if case.steps and steps >= case.steps:
        yield Problem(
            "training.warmup_steps",
            f"You set {steps} steps of warm-up, but the run has {case.steps} steps, so the learning rate never gets "
            "to its height. Set the steps of warm-up to 0 and the share to 0.05.",
            "warning",
            (Move("A share of 0.05", {"training.warmup_steps": 0, "training.warmup": 0.05}),),
        )


def save_steps(case: Case) -> Iterator[Problem]:
    """Checkpoints that never come."""
    every = case.recipe.training.save_steps
    if case.steps and every > case.steps:
        third = max(1, case.steps // 3)
        yield Problem(
            "training.save_steps",
            f"You set a checkpoint every {every} steps, but the run has {case.steps} steps, so none is written. Set it "
            f"to {third}.",
            "warning",
            (Move(f"Every {third} steps", {"training.save_steps": third}),),
        )


def few_steps(case: Case) -> Iterator[Problem]:
    """A run that ends before it began."""
    if 0 < case.steps < FEWEST_STEPS and case.rows >= case.batch and not case.recipe.training.max_steps:
        yield Problem(
            "training.epochs",
            f"You set {case.recipe.training.epochs:g} epochs, which are {case.steps} steps: too few to learn anything "
            "from. Set it to 3, or take fewer rows a step.",
            "warning",
            (Move("3 epochs", {"training.epochs": 3}),),
        )


def tracker(case: Case) -> Iterator[Problem]:
    """A tracker that is not there."""
    asked = TRACKERS.get(case.recipe.training.tracker)
    if asked and not asked.installed:
        yield Problem(
            "training.tracker",
            f"You set the tracker to {asked.title}, but it is not installed here. Install it beside the studio with "
            f"`pip install {asked.packages[0]}`, or set the tracker to none: the Run tab draws all curves anyway.",
            moves=(Move("No tracker", {"training.tracker": "none"}),),
        )


RULES: tuple[Rule, ...] = (precision, optimizer, learning_rate, warmup, save_steps, few_steps, tracker)
