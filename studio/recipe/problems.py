"""Everything that stands between a recipe and its run, said at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from studio.data.dataset import Prepared
from studio.data.wording import counted
from studio.errors import StudioError
from studio.recipe.hardware import Hardware
from studio.recipe.models import ModelFacts, facts, locate
from studio.recipe.recipe import Recipe

SMALLEST_RANK = 8  # no rank up to this is called too large


@dataclass(frozen=True)
class Move:
    """A change that would help, as a button: its label, and the options to set, by dotted key."""

    label: str
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `option` names the recipe's key to change.

    Only an error stops the run. Advice is a warning from the literature, with its `source`; `moves` are what would
    help, each a button on the page.
    """

    option: str
    message: str
    severity: Literal["error", "warning", "advice"] = "error"
    moves: tuple[Move, ...] = ()
    source: str = ""


def problems(recipe: Recipe, prepared: Prepared | None, hardware: Hardware) -> list[Problem]:
    """All problems of `recipe` with these rows on this machine. `prepared` is None where no file was chosen."""
    return [*_of_data(recipe, prepared), *_of_model(recipe, hardware), *_of_training(recipe, hardware)]


def _of_data(recipe: Recipe, prepared: Prepared | None) -> Iterator[Problem]:
    if prepared is None:
        yield Problem(
            "data.path",
            "There is nothing to learn from yet. Upload a file of pairs, or choose a sample, in the Data tab.",
        )
        return
    for message in prepared.report.errors:
        yield Problem("data.path", message)
    rows, batch = len(prepared.train), recipe.training.batch_size * recipe.training.gradient_accumulation
    if 0 < rows < batch:
        yield Problem(
            "training.batch_size",
            f"You set {batch} rows a step, but there are only {rows} training rows. Each pass is then a single step.",
            "warning",
        )
    yield from _of_rank(getattr(recipe.method, "rank", 0), rows)


def _of_rank(rank: int, rows: int) -> Iterator[Problem]:
    """A rule of thumb: no more directions than rows that could show them."""
    enough = max(SMALLEST_RANK, rows)
    if rows and rank > enough:
        yield Problem(
            "method.rank",
            f"You set the rank to {rank}, but there are only {counted(rows, 'training row')}: such an adapter can "
            f"learn them by heart. Set it to {enough} or less, or add rows.",
            "warning",
        )


def _of_model(recipe: Recipe, hardware: Hardware) -> Iterator[Problem]:
    try:
        located = locate(recipe.model.id)
        known = facts(located.folder) if located.folder else None
    except StudioError as error:
        yield Problem("model.id", str(error))
        return
    if known:
        yield from _of_folder(recipe, known)
    count = known.parameters if known else located.card.parameters if located.card else 0
    yield from _of_memory(recipe, count, hardware)


def _of_folder(recipe: Recipe, known: ModelFacts) -> Iterator[Problem]:
    if known.context and recipe.training.max_length > known.context:
        yield Problem(
            "training.max_length",
            f"You set the longest row to {recipe.training.max_length} tokens, but this base model was made for "
            f"{known.context}. Set it to {known.context} or less.",
        )


def _of_memory(recipe: Recipe, parameters: int, hardware: Hardware) -> Iterator[Problem]:
    gpu = max((gpu.total_bytes for gpu in hardware.gpus), default=0)
    room, place = (gpu, "the GPU") if gpu else (hardware.memory_bytes, "this machine")
    need = parameters * (recipe.method.weight_bytes() or (2 if gpu else 4))
    if need > room:
        yield Problem(
            "model.id",
            f"The weights alone take about {need / 2**30:.0f} GiB, but {place} has {room / 2**30:.0f} GiB. "
            "Choose a smaller base model, or QLoRA as the method.",
        )


def _of_training(recipe: Recipe, hardware: Hardware) -> Iterator[Problem]:
    if recipe.training.precision == "float16" and not hardware.gpus:
        yield Problem(
            "training.precision",
            "You set the precision to float16, but a CPU trains badly in it. Set it to auto, bfloat16 or float32.",
        )
