"""The recipe's training options in the words of `transformers.TrainingArguments`, which TRL's configurations share.

This is the only file that hands the training part to the library; a test fails on a field that nobody reads.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from studio.errors import StudioError
from studio.recipe.launch import BatchShare, batch_share, fitting
from studio.recipe.optimizers import OPTIMIZERS
from studio.recipe.recipe import Recipe
from studio.recipe.training import TrainingPart
from studio.run.accelerated.ranks import this_rank
from studio.run.base import Precision
from studio.run.steps import decay_steps, evaluation_steps, steps_of, warmup_steps
from studio.run.tracking import PROJECT

PLATEAU_FACTOR = 0.5  # what reduce_lr_on_plateau leaves of the learning rate


def training_arguments(
    recipe: Recipe, precision: Precision, folder: Path, rows: int, held_out_rows: int
) -> dict[str, Any]:
    """Keyword arguments for a run over `rows` training rows. `folder` is where checkpoints go.

    Raises:
        StudioError: the recipe goes by the held-out loss, which is never measured; or its batch cannot be divided among
            the processes that do the run together.
    """
    t = recipe.training
    steps = steps_of(t, rows)
    share = _share(t, this_rank().of)
    return {
        "output_dir": str(folder),
        "num_train_epochs": t.epochs,
        "max_steps": t.max_steps or -1,
        "per_device_train_batch_size": share.batch_size,
        "per_device_eval_batch_size": t.batch_size,
        "gradient_accumulation_steps": share.gradient_accumulation,
        "train_sampling_strategy": "group_by_length" if t.group_by_length else "random",
        "weight_decay": t.weight_decay,
        "max_grad_norm": t.max_grad_norm,
        "label_smoothing_factor": t.label_smoothing,
        "neftune_noise_alpha": t.neftune or None,
        "seed": t.seed,
        "bf16": precision.autocast == "bf16",
        "fp16": precision.autocast == "fp16",
        "gradient_checkpointing": t.gradient_checkpointing,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "report_to": t.tracker,
        **({"run_name": folder.parent.name or None, "project": PROJECT} if t.tracker != "none" else {}),
        "disable_tqdm": True,
        "use_cpu": not torch.cuda.is_available(),
        "dataloader_pin_memory": torch.cuda.is_available(),
        **_optimizer(t),
        **_schedule(t, steps),
        **_checks_and_checkpoints(t, evaluation_steps(t, rows) if held_out_rows else 0),
    }


def _share(t: TrainingPart, processes: int) -> BatchShare:
    share = batch_share(t, processes)
    if share is None:
        rows = -(-t.batch_size // processes) * processes
        raise StudioError(
            f"{processes} processes do this run together, but a batch size of {t.batch_size} and gradient accumulation "
            f"of {t.gradient_accumulation} cannot be divided among them. Set the batch size to {rows}, or start "
            f"{max(fitting(t, processes))} of them."
        )
    return share


def keeps_best(training: TrainingPart) -> bool:
    """Whether the result is the checkpoint with the lowest held-out loss, and not the last weights."""
    return training.keep_best or training.early_stopping > 0


def _optimizer(t: TrainingPart) -> dict[str, Any]:
    kind = OPTIMIZERS[t.optimizer]
    beta2 = t.beta2 or kind.usual_beta2
    options = {
        "sgd": {"momentum": t.momentum},
        "rmsprop": {"alpha": beta2, "eps": t.epsilon},
        "adagrad": {"eps": t.epsilon},
    }.get(t.optimizer, {})
    return {
        "optim": kind.library,
        "learning_rate": t.learning_rate,
        "adam_beta1": t.beta1,
        "adam_beta2": beta2,
        "adam_epsilon": t.epsilon,
        "optim_args": ",".join(f"{name}={value}" for name, value in options.items()) or None,
    }


def _schedule(t: TrainingPart, steps: int) -> dict[str, Any]:
    options: dict[str, dict[str, Any]] = {
        "cosine_with_min_lr": {"min_lr_rate": t.schedule_floor},
        "cosine_with_restarts": {"num_cycles": t.schedule_cycles},
        "polynomial": {"lr_end": t.learning_rate * t.schedule_floor, "power": t.schedule_power},
        "warmup_stable_decay": {
            "num_decay_steps": decay_steps(t, steps),
            "decay_type": "1-sqrt",
            "min_lr_ratio": t.schedule_floor,
        },
        "reduce_lr_on_plateau": {"factor": PLATEAU_FACTOR, "patience": t.plateau_patience},
    }
    warmup = t.warmup_steps or t.warmup
    exact = warmup_steps(t, steps)
    return {
        "lr_scheduler_type": t.schedule,
        "lr_scheduler_kwargs": options.get(t.schedule),
        "warmup_steps": exact if t.warmup_steps or exact == steps - 1 else warmup,
    }


def _checks_and_checkpoints(t: TrainingPart, every: int) -> dict[str, Any]:
    """`every` so many steps the held-out loss is measured; 0: never."""
    on_plateau = t.schedule == "reduce_lr_on_plateau"
    if not every and (keeps_best(t) or on_plateau):
        what = "the schedule reduce_lr_on_plateau" if on_plateau else "early stopping or keeping the best"
        raise StudioError(
            f"You set {what}, which goes by the held-out loss, but that is never measured here. Hold some rows out in "
            "the data tab and set the held-out checks above 0, or switch it off."
        )
    measured = {"eval_strategy": "steps", "eval_steps": every, "eval_on_start": True} if every else {}
    followed = {"metric_for_best_model": "loss", "greater_is_better": False} if keeps_best(t) or on_plateau else {}
    return {
        "save_strategy": "best" if keeps_best(t) else "no",  # `checkpoints.SaveAt` says when else
        "load_best_model_at_end": keeps_best(t),
        "save_total_limit": t.saves_kept + keeps_best(t),
        **measured,
        **followed,
    }
