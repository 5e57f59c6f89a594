"""Whether so many processes can train this recipe together on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from studio.data.wording import counted
from studio.recipe.launch import TITLES, batch_share, fitting
from studio.recipe.optimizers import OPTIMIZERS
from studio.recipe.problem import Move, Problem
from studio.recipe.rules.case import Case, Rule

DDP = Move("DDP", {"launch.strategy": "ddp"})
ELEMENT_BY_ELEMENT = ("adamw", "sgd", "rmsprop", "adagrad")
"""Optimisers of torch that treat each number by itself, so that a piece of a matrix is as good as the whole."""


def devices(case: Case) -> Iterator[Problem]:
    """More processes than there is to compute with."""
    asked = case.recipe.launch.processes
    if asked == 1 or case.hardware is None:
        return
    there, what = (len(case.hardware.gpus), "GPU") if case.gpus else (case.hardware.cores, "CPU core")
    if asked > there:
        most = max(fitting(case.recipe.training, there))
        yield Problem(
            "launch.processes",
            f"You set {asked} processes, but this machine has {counted(there, what)}. Set it to {most}; for more "
            "machines take the command below the recipe.",
            moves=(Move(_processes(most), {"launch.processes": most}),),
        )
    elif not case.gpus:
        yield Problem(
            "launch.processes",
            f"You set {asked} processes, but this machine has no GPU: one process uses all CPU cores already. Set it "
            "to 1.",
            "warning",
            (Move("1 process", {"launch.processes": 1}),),
        )


def batch(case: Case) -> Iterator[Problem]:
    """A batch that cannot be divided evenly."""
    training, asked = case.recipe.training, case.recipe.launch.processes
    if batch_share(training, asked) is None:
        rows = -(-training.batch_size // asked) * asked
        fits = max(fitting(training, asked))
        yield Problem(
            "launch.processes",
            f"You set {asked} processes, but a batch size of {training.batch_size} and gradient accumulation of "
            f"{training.gradient_accumulation} cannot be divided among them. Set the batch size to {rows}, or the "
            f"processes to {fits}.",
            moves=(
                Move(f"Batch size {rows}", {"training.batch_size": rows}),
                Move(_processes(fits), {"launch.processes": fits}),
            ),
        )


def strategy(case: Case) -> Iterator[Problem]:
    """Sharding without what it needs."""
    launch = case.recipe.launch
    if launch.strategy == "ddp":
        return
    title = TITLES[launch.strategy]
    if case.hardware and not case.gpus:
        yield Problem(
            "launch.strategy",
            f"You set the strategy to {title}, which cuts a model up among GPUs, but this machine has none. Set it to "
            "DDP.",
            moves=(DDP,),
        )
    elif launch.processes == 1:
        yield Problem(
            "launch.strategy",
            f"You set the strategy to {title}, but there is one process, so nothing is cut up. Set the processes to "
            "the number of GPUs, or the strategy to DDP.",
            "warning",
            (DDP,),
        )
    if launch.strategy.startswith("zero") and find_spec("deepspeed") is None:
        yield Problem(
            "launch.strategy",
            f"You set the strategy to {title}, but DeepSpeed is not installed here. Install it with "
            "`pip install deepspeed`, or set the strategy to FSDP2, which comes with torch and does the same.",
            moves=(Move("FSDP2", {"launch.strategy": "fsdp2"}),),
        )


def sharded(case: Case) -> Iterator[Problem]:
    """What wants whole weights, and bases that cannot be cut up."""
    recipe = case.recipe
    chosen, method = recipe.launch.strategy, recipe.method
    if chosen == "ddp":
        return
    title = TITLES[chosen]
    if not method.works_sharded:
        yield Problem(
            "launch.strategy",
            f"You set the strategy to {title}, but {method.title} works on whole weights, and there every process "
            "has only pieces. Set the strategy to DDP, or the method to LoRA.",
            moves=(DDP, Move("LoRA", {"method.name": "lora"})),
        )
    if chosen in ("fsdp2", "zero3") and method.weight_bytes() is not None:
        yield Problem(
            "launch.strategy",
            f"You set the strategy to {title}, but the base of {method.title} is kept in few bits, which are not cut "
            "up: each GPU would hold all of it. Set the strategy to DDP, or the method to LoRA.",
            moves=(DDP, Move("LoRA", {"method.name": "lora"})),
        )
    if recipe.training.optimizer not in ELEMENT_BY_ELEMENT:
        yield Problem(
            "training.optimizer",
            f"You set the optimiser to {OPTIMIZERS[recipe.training.optimizer].title}, which looks at whole matrices "
            f"or packs them itself, but {title} cuts them up. Set it to AdamW.",
            moves=(Move("AdamW", {"training.optimizer": "adamw"}), DDP),
        )


def offload(case: Case) -> Iterator[Problem]:
    """Nothing to hand back."""
    launch = case.recipe.launch
    if launch.offload and launch.strategy == "ddp":
        yield Problem(
            "launch.offload",
            "You set offloading, but with DDP every GPU keeps the whole model. Set the strategy to FSDP2, or switch "
            "offloading off.",
            moves=(Move("Switch it off", {"launch.offload": False}),),
        )


def _processes(number: int) -> str:
    return "1 process" if number == 1 else f"{number} processes"


RULES: tuple[Rule, ...] = (devices, batch, strategy, sharded, offload)
