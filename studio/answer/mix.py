"""Several LoRA adapters made into one, each with a weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from studio.errors import StudioError
from studio.recipe.methods.adalora import AdaLora
from studio.recipe.methods.low_rank import Dora, Lora

if TYPE_CHECKING:
    from studio.answer.voice import Merge
    from studio.recipe.recipe import Recipe

CHANCE = 0  # the seed of what DARE drops: the same mix says the same again


def why_not_mixed(recipe: Recipe) -> str:
    """Why what such a recipe's runs learned cannot be part of a mix; empty where it can. Imports no torch."""
    method = recipe.method
    if isinstance(method, Lora) and not isinstance(method, Dora | AdaLora):
        return ""
    return f"{method.title} is no sum of thin matrices. Mix runs of LoRA and its close kin"


def mix(
    model: Any, adapters: Sequence[str], weights: Sequence[float], how: Merge, density: float, adapter: str
) -> None:
    """Make one adapter on `model` out of several that are on it.

    "linear" is the sum of what the adapters add, each times its weight: ΔW = Σ wᵢ·ΔWᵢ, exactly, for any ranks (PEFT
    calls that "cat"; its own "linear" adds the thin matrices one by one, and a sum of products is not the product of
    sums). TIES (Yadav et al. 2023, arXiv 2306.01708) and DARE (Yu et al. 2023, arXiv 2311.03099) are PEFT's, on the
    thin matrices.

    Args:
        model: a PEFT model.
        adapters: their names.
        weights: how much of each.
        how: the way to mix.
        density: the share of the numbers that TIES and DARE keep.
        adapter: the name of the new one.

    Raises:
        StudioError: they cannot be mixed so.
    """
    import torch

    kept = dict(model.peft_config)
    _refuse(kept, adapters, how)
    for name in adapters:  # the new adapter takes the first one's settings, and is to be as loud as PEFT makes it
        model.peft_config[name] = replace(kept[name], use_rslora=False)
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    try:
        with torch.random.fork_rng(devices), torch.no_grad():
            torch.manual_seed(CHANCE)
            model.add_weighted_adapter(
                list(adapters), list(weights), adapter, combination_type="cat" if how == "linear" else how,
                density=None if how == "linear" else density,
            )  # fmt: skip
    except (ValueError, TypeError, RuntimeError) as error:
        raise StudioError(f"These adapters cannot be mixed ({error!s:.300}). Choose others.") from error
    finally:
        model.peft_config.update({name: kept[name] for name in adapters})


def _refuse(configs: dict[str, Any], adapters: Sequence[str], how: Merge) -> None:
    ranks = [max(configs[name].r, *(configs[name].rank_pattern or {0: 0}).values()) for name in adapters]
    if how != "linear" and len(set(ranks)) > 1:
        raise StudioError(
            f"You mix adapters of the ranks {', '.join(map(str, ranks))} by {how}, which compares their numbers one by "
            "one and wants the same rank. Choose linear, or adapters of one rank."
        )
    if any(configs[name].modules_to_save or configs[name].trainable_token_indices for name in adapters):
        raise StudioError(
            "One of these adapters also holds modules or tokens that were trained whole, which a mix has no place for. "
            "Choose adapters without them."
        )
