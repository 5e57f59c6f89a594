"""Whether the method fits the task, the rows, the base model's shapes and the machine."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from studio.data.wording import counted
from studio.errors import StudioError
from studio.recipe.methods.delta_lora import DeltaLora
from studio.recipe.methods.low_rank import Lora, RsLora
from studio.recipe.problem import Move, Problem
from studio.recipe.rules.case import Case, Rule
from studio.recipe.safetensors_header import TornHeader, read_header
from studio.recipe.tasks import task_named

SMALLEST_RANK = 8  # no rank up to this is called too large
NO_LAYERS = ("embed", "norm", "wte", "wpe", "router", "gate.weight", "lm_head")
LORA = Move("LoRA", {"method.name": "lora"})


def task(case: Case) -> Iterator[Problem]:
    """Some methods know some tasks only."""
    method, name = case.recipe.method, case.recipe.task.name
    if name not in method.tasks:
        known = " and ".join(task_named(each).title for each in method.tasks)
        yield Problem(
            "method.name",
            f"You set the method to {method.title} and the task to {case.recipe.task.title}, but this method is made "
            f"for: {known}. Set the method to LoRA.",
            moves=(LORA,),
        )


def checkpointing(case: Case) -> Iterator[Problem]:
    """Some methods cannot compute parts again."""
    method = case.recipe.method
    if case.recipe.training.gradient_checkpointing and not method.works_with_checkpointing:
        yield Problem(
            "training.gradient_checkpointing",
            f"You set gradient checkpointing, but {method.title} does not work with it. Switch it off, or set the "
            "method to LoRA.",
            moves=(Move("Switch it off", {"training.gradient_checkpointing": False}), LORA),
        )


def packing(case: Case) -> Iterator[Problem]:
    """Rows that lie in one must not see each other."""
    recipe = case.recipe
    if not recipe.training.packing:
        return
    off = Move("Switch packing off", {"training.packing": False, "training.group_by_length": True})
    if recipe.task.name != "language-modeling":
        yield Problem(
            "training.packing",
            f"You set packing, but the task {recipe.task.title} looks at each row by itself. Switch packing off; "
            "grouping by length saves most of the padding too.",
            moves=(off,),
        )
    elif recipe.method.family == "Soft prompts":
        yield Problem(
            "training.packing",
            f"You set packing, but {recipe.method.title} puts its virtual tokens in front of the first packed row "
            "only. Switch packing off; grouping by length saves most of the padding too.",
            moves=(off,),
        )


def quantization(case: Case) -> Iterator[Problem]:
    """Few bits without a GPU."""
    if case.hardware and case.recipe.method.weight_bytes() is not None and not case.gpus:
        yield Problem(
            "method.name",
            f"You set the method to {case.recipe.method.title}, but this machine has no GPU. It works on a CPU and is "
            "slow there, and saves nothing where the base fits the memory. Set the method to LoRA.",
            "warning",
            (LORA,),
        )


def rank_for_rows(case: Case) -> Iterator[Problem]:
    """A rule of thumb: no more directions than rows that could show them."""
    rank, enough = _rank(case), max(SMALLEST_RANK, case.rows)
    if case.rows and rank > enough:
        yield Problem(
            "method.rank",
            f"You set the rank to {rank}, but there are only {counted(case.rows, 'training row')}: such an adapter "
            f"can learn them by heart. Set it to {enough} or less, or add rows.",
            "warning",
            (_smaller_rank(case, enough),),
        )


def rank_for_shapes(case: Case) -> Iterator[Problem]:
    """Two thin matrices that are wider than the one beside which they stand are not thin."""
    if case.facts is None or isinstance(case.located, StudioError) or case.located.folder is None:
        return
    rank, smallest = _rank(case), smallest_side(case.located.folder)
    if smallest and rank > smallest:
        yield Problem(
            "method.rank",
            f"You set the rank to {rank}, but the smallest weight matrix of this base model has {smallest} rows or "
            f"columns: more than that adds weights and no directions. Set it to {smallest} or less.",
            "warning",
            (_smaller_rank(case, smallest),),
        )


def _smaller_rank(case: Case, rank: int) -> Move:
    """The rank with an alpha that leaves the adapter as loud as it was."""
    method = case.recipe.method
    changes: dict[str, int] = {"method.rank": rank}
    if isinstance(method, Lora):
        share = rank / method.rank
        changes["method.alpha"] = max(1, round(method.alpha * (share**0.5 if isinstance(method, RsLora) else share)))
    return Move(f"Rank {rank}", changes)


def _rank(case: Case) -> int:
    """The number of directions that learn; 0 where the method has none (the rank of VeRA is that of fixed matrices)."""
    method = case.recipe.method
    return int(method.rank) if isinstance(method, Lora | DeltaLora) else 0


@lru_cache(maxsize=16)
def smallest_side(folder: Path) -> int:
    """Rows or columns of the smallest matrix that an adapter would stand beside; 0 where the folder does not say."""
    sides = []
    for file in sorted(folder.glob("*.safetensors")):
        try:
            header = read_header(file)
        except (TornHeader, OSError):
            return 0
        for name, tensor in header.items():
            if len(tensor.shape) == 2 and not any(word in name for word in NO_LAYERS):
                sides.append(min(tensor.shape))
    return min(sides, default=0)


RULES: tuple[Rule, ...] = (task, checkpointing, packing, quantization, rank_for_rows, rank_for_shapes)
