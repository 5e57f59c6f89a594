"""The checkpoint that a run goes on from: the newest one that is whole. A damaged one is named and put aside."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio.data.wording import quoted
from studio.errors import StudioError
from studio.recipe.read import load_recipe
from studio.run.directory import Run, step_of
from studio.run.events import Warned
from studio.run.history.difference import differences
from studio.run.manifest import RECIPE, changes, damage
from studio.run.trouble import Trouble

NAMED = 4  # changed options that are named one by one


def newest(run: Run, tell: Callable[[Warned], None]) -> Path | None:
    """The newest whole checkpoint of a run, or None where it has none at all.

    A newer one that is damaged is put aside and told of. Where no whole one is left all stay where they are: a file
    that is missing may be put back.

    Raises:
        StudioError: none is whole, or the run's recipe or rows are not those that it was saved with.
    """
    damaged: dict[Path, str] = {}
    for checkpoint in reversed(run.checkpoints()):
        if words := damage(checkpoint):
            damaged[checkpoint] = words
            continue
        if changed := changes(checkpoint, run):
            raise Trouble("checkpoint", _changed(run, checkpoint, changed))
        for torn, words in damaged.items():
            aside = _put_aside(torn)
            tell(
                Warned(
                    step=step_of(checkpoint),
                    cause="checkpoint",
                    message=f"The checkpoint of step {step_of(torn):,} is damaged: {words}. It was put aside as "
                    f"{aside.name}, and the run goes on from step {step_of(checkpoint):,}.",
                )
            )
        return checkpoint
    if damaged:
        raise Trouble("checkpoint", _none_whole(run, damaged))
    return None


def _put_aside(checkpoint: Path) -> Path:
    names = itertools.chain(["damaged"], (f"damaged.{number}" for number in itertools.count(2)))
    free = next(path for name in names if not (path := checkpoint.with_name(f"{name}-{step_of(checkpoint)}")).exists())
    return checkpoint.rename(free)


def _none_whole(run: Run, damaged: dict[Path, str]) -> str:
    each = "; ".join(f"step {step_of(path):,}: {words}" for path, words in damaged.items())
    return (
        f"The run {run.name} has no whole checkpoint to go on from ({each}). Put the file back if you have it, or "
        "start a new run from its recipe."
    )


def _changed(run: Run, checkpoint: Path, names: list[str]) -> str:
    what = [f"{name}{_options(run, checkpoint) if name == RECIPE else ''}" for name in names]
    return (
        f"{' and '.join(what)} changed since the checkpoint of step {step_of(checkpoint):,} was saved, so the run "
        "cannot be resumed. Put it back as it was, then resume, or branch from the checkpoint with the change. Or "
        "start a new run."
    )


def _options(run: Run, checkpoint: Path) -> str:
    """Which options of the recipe changed, where the checkpoint has a copy that tells."""
    try:
        differ = differences([load_recipe(path) for path in (checkpoint / RECIPE, run.path / RECIPE)])
    except (StudioError, OSError):
        return ""
    shown = [f"{each.key}: {' → '.join(map(_short, each.values))}" for each in differ[:NAMED]]
    return f" ({', '.join(shown)})" if shown else ""


def _short(value: Any) -> str:
    return quoted(value) if isinstance(value, str) else f"{value}"
