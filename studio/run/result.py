"""What comes out of a run: an adapter beside its base, or a whole model. Written and loaded here."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peft import PeftModel

from studio.recipe.methods.method import TuningMethod
from studio.run.base import Precision
from studio.run.base_mark import mark_base, refuse_other_base
from studio.run.directory import Run
from studio.run.manifest import RECIPE, seal, sync
from studio.run.tasks.every import runner_of
from studio.run.tune import Tuned

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def save_result(
    run: Run, model: Any, method: TuningMethod, tokenizer: PreTrainedTokenizerBase, whole: dict[str, Any] | None = None
) -> str:
    """Save result, tokenizer and recipe: written elsewhere, sealed, renamed when whole. Returns the folder's name.

    `whole` are the model's weights where it has only pieces of them (see studio.run.accelerated.shards).
    """
    final = run.path / method.keeps
    draft, old = final.with_suffix(".partial"), final.with_suffix(".old")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        method.result(model).save_pretrained(draft, safe_serialization=True, **({"state_dict": whole} if whole else {}))
        tokenizer.save_pretrained(draft)
        shutil.copy(run.path / RECIPE, draft)
        if method.keeps == "adapter":
            mark_base(draft, Path(model.config._name_or_path), run.recipe.model.id)
        seal(draft, run)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    if final.exists():  # the run was resumed
        shutil.rmtree(old, ignore_errors=True)
        final.rename(old)
    draft.rename(final)
    sync(run.path)
    shutil.rmtree(old, ignore_errors=True)
    return final.name


def load_result(run: Run, base: PreTrainedModel, precision: Precision) -> Tuned:
    """The tuned model of a run that has a result, in evaluation mode.

    Args:
        run: the run.
        base: its base model as the run's task loads it; an adapter is put on it, a whole model leaves it alone.
        precision: in which a whole model is loaded.

    Raises:
        StudioError: the whole model cannot be loaded, or the adapter was made for another base.
    """
    if run.adapter.is_dir():
        refuse_other_base(run.adapter, Path(base.config._name_or_path), run.name, run.recipe.model.id)
        tuned: Any = PeftModel.from_pretrained(base, str(run.adapter))
    else:
        tuned = runner_of(run.recipe).load(run.model, precision, None)
    return tuned.eval()  # type: ignore[no-any-return]
