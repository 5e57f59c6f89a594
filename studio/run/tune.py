"""Puts a recipe's method on a loaded base, and says how much of it then moves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from peft import PeftModel, get_peft_model
from transformers import PreTrainedModel, set_seed

from studio.recipe.methods.method import Situation
from studio.recipe.recipe import Recipe

Tuned = PeftModel | PreTrainedModel


def put_on(
    model: PreTrainedModel,
    recipe: Recipe,
    situation: Situation,
    new_modules: tuple[str, ...] = (),
    begin_from: Path | None = None,
) -> Tuned:
    """The model as `recipe.method` trains it: adapter added, `requires_grad` set. The recipe's seed draws its start.

    Args:
        model: the loaded base.
        recipe: what is asked.
        situation: the run that the method acts in.
        new_modules: parts of the model that were never trained: an adapter learns and saves them whole.
        begin_from: the folder of an adapter to train further, in place of a new one.
    """
    set_seed(recipe.training.seed)
    config: Any = recipe.method.peft_config(replace(situation, model=model))
    if new_modules and hasattr(config, "modules_to_save"):
        config.modules_to_save = [*(config.modules_to_save or ()), *new_modules]
    if begin_from is not None:
        tuned: Any = PeftModel.from_pretrained(model, str(begin_from), is_trainable=True)
    else:
        tuned = model if config is None else get_peft_model(model, config)
    if config is not None and recipe.training.gradient_checkpointing:
        tuned.enable_input_require_grads()
    recipe.method.choose(tuned)
    return tuned


def counted(model: Tuned) -> tuple[int, int]:
    """How many weights move, and how many there are; weights in 4 bits count as what they stand for."""
    if isinstance(model, PeftModel):
        trainable, parameters = model.get_nb_trainable_parameters()
        return int(trainable), int(parameters)
    weights = list(model.parameters())
    return sum(each.numel() for each in weights if each.requires_grad), sum(each.numel() for each in weights)
