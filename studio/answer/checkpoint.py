"""A checkpoint made into what its run would have left if it had ended there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.answer.skeleton import skeleton
from studio.errors import StudioError
from studio.recipe.methods.method import Situation
from studio.recipe.methods.pissa import Pissa

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from studio.run.directory import Run

ANY_STEPS = 1000  # what a method plans by the length of its run is over where its weights are put back


def write_adapter(
    run: Run, checkpoint: Path, base: PreTrainedModel, new_modules: tuple[str, ...], folder: Path
) -> None:
    """Write the adapter of a checkpoint into `folder`, as the run would have at its end. `base` is left as it is.

    `new_modules` are the parts of it that no run before has trained.

    Raises:
        StudioError: the checkpoint is damaged.
    """
    writes = isinstance(run.recipe.method, Pissa)  # it takes a part of the base into the adapter while it trains
    model = skeleton(base, own=lambda name: writes)
    run.recipe.method.result(_tuned(run, checkpoint, model, new_modules)).save_pretrained(
        folder, safe_serialization=True
    )


def whole_model(run: Run, checkpoint: Path, base: PreTrainedModel, new_modules: tuple[str, ...]) -> PreTrainedModel:
    """The whole model of a checkpoint, made of `base`, which nobody else has.

    Raises:
        StudioError: the checkpoint is damaged.
    """
    whole: PreTrainedModel = run.recipe.method.result(_tuned(run, checkpoint, base, new_modules))
    return whole


def _tuned(run: Run, checkpoint: Path, model: PreTrainedModel, new_modules: tuple[str, ...]) -> Any:
    """The model as the run had it at a checkpoint."""
    from safetensors import SafetensorError

    from studio.run.begun_from import begun_from
    from studio.run.checkpoints import WEIGHTS, read_weights
    from studio.run.tune import put_on

    recipe = run.recipe
    situation = Situation(recipe.task.peft_type, ANY_STEPS, str(model.config._name_or_path))
    try:
        tuned = put_on(model, recipe, situation, new_modules, begun_from(run))
        read_weights(tuned, recipe.method, checkpoint / WEIGHTS)
    except (OSError, KeyError, ValueError, RuntimeError, SafetensorError) as error:
        if isinstance(error, RuntimeError) and "memory" in str(error):
            raise
        raise StudioError(
            f"The checkpoint {checkpoint.name} of {run.name} cannot be put on its base ({type(error).__name__}: "
            f"{error!s:.200}). It is damaged, or of another recipe: choose another one."
        ) from error
    return tuned.eval()
