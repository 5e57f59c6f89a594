"""Room on the disk for what a run keeps: asked for before the first step, and again before each checkpoint."""

from __future__ import annotations

import errno
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.recipe.optimizers import state_bytes
from studio.recipe.recipe import Recipe
from studio.run.arguments import keeps_best
from studio.run.trouble import Trouble

BESIDE = 2**20  # bytes of a checkpoint or result beside its numbers: settings, the curve so far
SPARE = 4 * 2**20  # bytes that stay free for events and the log
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SAID = ("No space left", "File too large", "Disk quota exceeded", "PytorchStreamWriter failed writing")


@dataclass(frozen=True)
class Needs:
    """Bytes that a run writes: one checkpoint, its result, and how many checkpoints it keeps at once."""

    checkpoint: int
    result: int
    kept: int


def needs_of(model: Any, recipe: Recipe, tokenizer: int = 0) -> Needs:
    """What a run over `model`, with its method on it, writes. `tokenizer`: bytes of the tokenizer's files."""
    training = recipe.training
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    weights = sum(weight.numel() * weight.element_size() for weight in trained)
    optimizer = sum(weight.numel() for weight in trained) * state_bytes(training.optimizer, training.momentum)
    whole = sum(weight.numel() * weight.element_size() for weight in model.parameters())
    result = weights if recipe.method.keeps == "adapter" else whole
    every = 1 if recipe.method.keeps == "adapter" else 0
    kept = training.saves_kept if training.save_steps else every
    return Needs(int(weights + optimizer) + BESIDE, result + tokenizer + BESIDE, kept + keeps_best(training))


def room(folder: Path) -> int:
    """Bytes that this user may still write beside `folder`. Raises OSError."""
    return shutil.disk_usage(folder).free


def require_room(folder: Path, needs: Needs) -> str:
    """Words of warning where not all that the run keeps will have room at once; empty where it will.

    Raises:
        StudioError: there is no room for one checkpoint and the result.
    """
    free, least = room(folder), (needs.checkpoint if needs.kept else 0) + needs.result + SPARE
    if free < least:
        raise Trouble(
            "disk",
            f"The disk has {size(free)} left where the run is kept, and a checkpoint and the result need "
            f"{size(least)}. Free some space, or set another STUDIO_HOME; nothing was trained.",
        )
    most = (needs.kept + 1) * needs.checkpoint + needs.result + SPARE
    if needs.kept and free < most:
        return (
            f"The disk has {size(free)} left; the checkpoints that the recipe keeps and the result may need "
            f"{size(most)}. A checkpoint that has no room is left out."
        )
    return ""


def is_full(error: BaseException) -> bool:
    """Whether an error says that nothing more can be written: torch and safetensors have it in words only."""
    return (isinstance(error, OSError) and error.errno in FULL) or any(words in str(error) for words in SAID)


def size(count: float) -> str:
    """A number of bytes in words."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
