"""A second tree of modules over the same weights, so that what is put on one of them leaves every other untouched."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import torch


def skeleton(model: Any, own: Callable[[str], bool] = lambda name: False) -> Any:
    """A copy of `model` whose modules are new and whose tensors are the very ones of `model`, quantized ones too.

    Tied weights stay tied. It takes some milliseconds and no memory to speak of, whatever the size of the model.

    Args:
        model: a model, with or without adapters on it.
        own: says of a parameter's name whether the copy gets it as its own, to be written into. A tied one has several
            names and is asked for by its first.
    """
    shared = [weight for name, weight in model.named_parameters() if not own(name)]
    shared += [*model.buffers(), *_held_by_modules(model)]
    return copy.deepcopy(model, {id(each): each for each in shared})


def _held_by_modules(model: Any) -> Iterator[Any]:
    """What modules hold beside parameters and buffers: bitsandbytes' scales and blocks, tables of positions."""
    for module in model.modules():
        if getattr(getattr(module, "weight", None), "CB", None) is not None:
            module.init_8bit_state()  # at its first use bitsandbytes takes them off the weight, for one module only
        for value in vars(module).values():
            if isinstance(value, torch.Tensor) or type(value).__name__ == "QuantState":
                yield value
            elif type(value).__name__ == "MatmulLtState":
                yield from (each for each in vars(value).values() if isinstance(each, torch.Tensor))
