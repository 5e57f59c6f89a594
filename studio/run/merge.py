"""The result of a run as a base model to tune on from: the whole model, or its base with the adapter added in.

`python -m studio.run.merge RUN_FOLDER` does the second, in a process of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from studio.errors import StudioError
from studio.home import CHECKOUT, Home
from studio.run.directory import Run, find_run

MERGED = "merged"
OF_RUN = "run:"


def base_named(home: Home, text: str) -> str:
    """The base model's id as a recipe has it. "run:NAME" stands for the result of a run, as `tune_base` makes it.

    Raises:
        StudioError: there is no such run, or its result cannot be a base.
    """
    if not text.startswith(OF_RUN):
        return text
    return str(tune_base(find_run(home, text.removeprefix(OF_RUN))))


def tune_base(run: Run) -> Path:
    """The folder of a whole model with what `run` learned, made once and kept with the run.

    Takes as long as loading and saving the base where the run left an adapter.

    Raises:
        StudioError: the run has no result, or one that cannot be added to its base.
    """
    if run.result is None:
        raise StudioError(f"The run {run.name} has no result (yet), so nothing can be tuned on from it.")
    if run.result == run.model:
        return run.model
    merged = run.path / MERGED
    if not merged.is_dir():
        _refuse_quantized(run)
        done = subprocess.run(
            [sys.executable, "-m", "studio.run.merge", str(run.path)],
            cwd=CHECKOUT, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        if done.returncode:
            raise StudioError(done.stdout.strip() or f"The merge ended unexpectedly: {done.stderr.strip()[-300:]}")
    return merged


def _refuse_quantized(run: Run) -> None:
    if run.recipe.method.name == "qlora":
        raise StudioError(
            f"{run.name} was tuned by {run.recipe.method.title} over a base in fewer bits. Added to the full base its "
            "answers would change by rounding, so the studio does not offer it as a base. Tune with LoRA instead."
        )


def merge(run: Run) -> Path:
    """Add the adapter of `run` to its base and save the model: written elsewhere, renamed when whole.

    Raises:
        StudioError: base or adapter cannot be loaded, do not belong together, or the method cannot be added in.
    """
    import torch

    from studio.recipe.model_folder import facts
    from studio.recipe.models import fetch, locate
    from studio.run.precision import Precision
    from studio.run.result import load_result
    from studio.run.tasks.every import runner_of
    from studio.run.tokenizer import load_tokenizer

    recipe, final = run.recipe, run.path / MERGED
    folder = fetch(locate(recipe.model.id))
    held = getattr(torch, facts(folder).dtype, torch.float32)
    precision = Precision(held, None, "as the base is stored")
    runner = runner_of(recipe)
    runner.begin(run)
    tuned: Any = load_result(run, runner.load(folder, precision, None), precision)
    try:
        whole = tuned.merge_and_unload()
    except (AttributeError, NotImplementedError, ValueError, TypeError) as error:
        raise StudioError(
            f"{recipe.method.title} cannot be added to its base: it works beside the weights and not in them. "
            "Tune on from a run of LoRA or of a method that leaves a whole model."
        ) from error
    draft = run.path / f".{MERGED}-{os.getpid()}"
    try:
        whole.save_pretrained(draft, safe_serialization=True)
        load_tokenizer(run.adapter, runner.speaks)[0].save_pretrained(draft)
        if not final.is_dir():  # nobody else was quicker
            draft.rename(final)
    except OSError as error:
        raise StudioError(
            f"The merged model could not be saved ({error.strerror or error}). Free some space."
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return final


if __name__ == "__main__":
    try:
        merge(Run(Path(sys.argv[1])))
    except StudioError as problem:
        sys.stdout.write(str(problem))
        sys.exit(1)
