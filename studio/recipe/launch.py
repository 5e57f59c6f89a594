"""How many processes train a run together, and what each of them holds of the model."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import Literal

from studio.knob import Part, knob
from studio.recipe.training import TrainingPart

Strategy = Literal["ddp", "fsdp2", "zero2", "zero3"]
TITLES: dict[Strategy, str] = {
    "ddp": "DDP",
    "fsdp2": "FSDP2",
    "zero2": "DeepSpeed ZeRO 2",
    "zero3": "DeepSpeed ZeRO 3",
}


class LaunchPart(Part):
    """On how many GPUs, and how the model is spread over them."""

    processes: int = knob(
        1,
        "Processes that train together, one on each GPU. Each step learns from the same rows as with one process, in "
        "a fraction of the time. Try as many as there are GPUs.",
        label="Processes",
        bounds=(1, 64),
        step=1,
        unit="processes",
        what="With several GPUs, each can work on a part of every batch. Before the weights move, the processes add up "
        "what they found, so that all of them take the same step. The batch size and the gradient accumulation that "
        "you set are divided among them: the run learns the same, and is faster. Where the rows of a pass do not fill "
        "its last step, rows from its beginning are taken again, so that every process has its share.",
    )
    strategy: Strategy = knob(
        "ddp",
        "What each process holds. ddp: the whole model, the fastest where it fits. zero2: a share of the optimiser's "
        "memory. fsdp2 and zero3: a share of everything, for models that do not fit on one GPU.",
        label="Strategy",
        what="In distributed data parallel (ddp) every GPU has a copy of the model. Fully sharded data parallel "
        "(fsdp2) cuts each weight into as many pieces as there are GPUs, and brings a layer's pieces together only "
        "while it is needed. DeepSpeed's ZeRO does the same in stages: stage 2 cuts up gradients and the optimiser's "
        "memory, stage 3 the weights too. Cutting saves memory and costs time on the way between the GPUs.",
    )
    offload: bool = knob(
        False,
        "Keeps the pieces in the machine's memory while no GPU needs them: least GPU memory, and slow. Not for ddp.",
        label="Offload to memory",
        what="Machines have more memory than GPUs do. With offloading a GPU fetches each piece when its turn comes and "
        "hands it back. Switch it on only when a sharded model still does not fit.",
    )


@dataclass(frozen=True)
class BatchShare:
    """What one process takes of each step: so many rows at once, so many times."""

    batch_size: int
    gradient_accumulation: int


def batch_share(training: TrainingPart, processes: int) -> BatchShare | None:
    """How each of so many processes learns, so that all together learn from the same rows a step as one would.

    The batches that are added up are divided first, then the rows of a batch. None where neither divides.
    """
    taken = gcd(training.gradient_accumulation, processes)
    left = processes // taken
    if training.batch_size % left:
        return None
    return BatchShare(training.batch_size // left, training.gradient_accumulation // taken)


def fitting(training: TrainingPart, processes: int) -> list[int]:
    """The numbers of processes up to this one among which the batch can be divided."""
    return [count for count in range(1, processes + 1) if batch_share(training, count)]
