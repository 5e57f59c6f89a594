"""The recipe's training options in the words of `transformers.TrainingArguments`, which TRL's configurations share.

This is the only file that hands the training part to the library; a test fails on a field that nobody reads.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from studio.recipe.recipe import Recipe
from studio.run.base import Precision
from studio.run.steps import evaluation_steps


def training_arguments(
    recipe: Recipe, precision: Precision, folder: Path, rows: int, held_out_rows: int
) -> dict[str, Any]:
    """Keyword arguments for a run over `rows` training rows. `folder` is where checkpoints go."""
    t = recipe.training
    every = evaluation_steps(t, rows) if held_out_rows else 0
    options: dict[str, Any] = {"eval_strategy": "steps", "eval_steps": every} if every else {}
    return {
        "output_dir": str(folder),
        "learning_rate": t.learning_rate,
        "num_train_epochs": t.epochs,
        "max_steps": t.max_steps or -1,
        "per_device_train_batch_size": t.batch_size,
        "per_device_eval_batch_size": t.batch_size,
        "gradient_accumulation_steps": t.gradient_accumulation,
        "warmup_steps": t.warmup,
        "lr_scheduler_type": t.schedule,
        "weight_decay": t.weight_decay,
        "max_grad_norm": t.max_grad_norm,
        "seed": t.seed,
        "bf16": precision.autocast == "bf16",
        "fp16": precision.autocast == "fp16",
        "gradient_checkpointing": t.gradient_checkpointing,
        "eval_on_start": bool(every),
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "save_strategy": "no",  # `checkpoints.Saves` says when
        "save_total_limit": t.saves_kept,
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": not torch.cuda.is_available(),
        "dataloader_pin_memory": torch.cuda.is_available(),
        **options,
    }
