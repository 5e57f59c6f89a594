"""Whether the base model is there, fits the task, the rows and the machine."""

from __future__ import annotations

from collections.abc import Iterator

from studio.errors import StudioError
from studio.recipe.problem import Move, Problem
from studio.recipe.rules.case import Case, Rule
from studio.recipe.tasks import TASKS, task_named, why_not

GIB = 2**30
SHORTEST = 128  # tokens to which a button lowers the longest row at most
QLORA = Move("QLoRA", {"method.name": "qlora"})


def base_model(case: Case) -> Iterator[Problem]:
    """One that can be found."""
    if isinstance(case.located, StudioError):
        yield Problem("model.id", str(case.located))


def kind(case: Case) -> Iterator[Problem]:
    """An encoder cannot write, a decoder cannot fill gaps."""
    if reason := why_not(task_named(case.recipe.task.name), case.kind):
        fitting = [task for task in TASKS if case.kind in task.kinds]
        moves = tuple(Move(task.title, {"task.name": task.model_fields["name"].default}) for task in fitting)
        yield Problem("task.name", reason, moves=moves)


def context(case: Case) -> Iterator[Problem]:
    """No row may be longer than the model was made for."""
    longest, most = case.recipe.training.max_length, case.facts.context if case.facts else None
    if most and longest > most:
        yield Problem(
            "training.max_length",
            f"You set the longest row to {longest} tokens, but this base model was made for {most}. Set it to {most} "
            "or less.",
            moves=(Move(f"{most} tokens", {"training.max_length": most}),) if most >= 16 else (),
        )


def weights_fit(case: Case) -> Iterator[Problem]:
    """The weights alone, before anything was downloaded."""
    if case.hardware is None:
        return
    gpu = max((gpu.total_bytes for gpu in case.hardware.gpus), default=0)
    room, place = (gpu, "the GPU") if gpu else (case.hardware.memory_bytes, "this machine")
    need = case.parameters * _bytes_of_a_weight(case, gpu > 0)
    if need > room:
        yield Problem(
            "model.id",
            f"The weights alone take about {need / GIB:.0f} GiB, but {place} has {room / GIB:.0f} GiB. "
            "Choose a smaller base model, or QLoRA as the method.",
            moves=(QLORA,) if case.parameters * 0.6 < room and case.recipe.method.name != "qlora" else (),
        )


def _bytes_of_a_weight(case: Case, on_gpu: bool) -> float:
    method = case.recipe.method
    return method.weight_bytes() or (2 if on_gpu and not method.trains_base else 4)


def peak_fits(case: Case) -> Iterator[Problem]:
    """The forecast's peak, where there is one."""
    need, capacity = case.figures.need, case.figures.capacity
    if not need or not capacity or need <= capacity:
        return
    yield Problem(
        "training.batch_size",
        f"This recipe is expected to need up to {need / GIB:.1f} GiB, but there are {capacity / GIB:.1f} GiB. It may "
        "end for want of memory. Lower the batch size or the longest row, or switch gradient checkpointing on.",
        "warning",
        tuple(_savings(case)),
    )


def _savings(case: Case) -> Iterator[Move]:
    """What saves memory, what costs least first."""
    training, method = case.recipe.training, case.recipe.method
    if not training.gradient_checkpointing and method.works_with_checkpointing:
        yield Move("Gradient checkpointing", {"training.gradient_checkpointing": True})
    if training.batch_size > 1:
        half = training.batch_size // 2
        more = min(128, training.gradient_accumulation * 2)
        yield Move("Half the batch", {"training.batch_size": half, "training.gradient_accumulation": more})
    if training.max_length >= 2 * SHORTEST:
        yield Move("Half the longest row", {"training.max_length": training.max_length // 2})
    if method.weight_bytes() is None and case.gpus:
        yield QLORA


def disk(case: Case) -> Iterator[Problem]:
    """Room for the result and the checkpoints that are kept."""
    free, stored = case.figures.disk, case.figures.stored or _stored(case)
    training = case.recipe.training
    saves = training.saves_kept if training.save_steps or training.keep_best or training.early_stopping else 0
    moving = case.figures.trainable or (case.parameters if case.recipe.method.trains_base else 0)
    need = stored + saves * moving * 12  # the weights, and what the optimiser keeps, in 32 bits
    if free is not None and need > free:
        yield Problem(
            "training.saves_kept" if saves > 1 else "model.id",
            f"The result and its checkpoints take about {need / GIB:.1f} GiB, but the disk has {free / GIB:.1f} GiB "
            "left. Free some space, keep fewer checkpoints, or choose a method that keeps an adapter.",
            moves=(Move("Keep 1 checkpoint", {"training.saves_kept": 1}),) if saves > 1 else (),
        )


def _stored(case: Case) -> int:
    """Bytes of a whole model; an adapter is small."""
    return case.parameters * 4 if case.recipe.method.keeps == "model" else 0


RULES: tuple[Rule, ...] = (base_model, kind, context, weights_fit, peak_fits, disk)
