"""A second tree of modules over the same weights, so that what is put on one of them leaves every other untouched."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from types import MethodType
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer
from peft.utils.other import AuxiliaryTrainingWrapper
from torch.nn import Module
from transformers import PreTrainedModel

TRACED = (PreTrainedModel, PeftModel, BaseTuner, BaseTunerLayer, AuxiliaryTrainingWrapper)


def skeleton(model: Any, own: Callable[[str], bool] = lambda name: False) -> Any:
    """A copy of `model` whose modules are new and whose tensors are the very ones of `model`, quantized ones too.

    Tied weights stay tied; configurations are shared. It takes milliseconds and no memory to speak of, whatever the
    size of the model.

    Args:
        model: a model, with or without adapters on it.
        own: says of a parameter's name whether the copy gets it as its own, to be written into. A tied one has several
            names and is asked for by its first.
    """
    modules = list(model.modules())
    for module in modules:
        if getattr(module._parameters.get("weight"), "CB", None) is not None:
            module.init_8bit_state()  # at its first use bitsandbytes takes them off the weight, for one module only
    return _tree(modules, {id(weight): copy.deepcopy(weight) for name, weight in model.named_parameters() if own(name)})


def for_a_pass(model: Any) -> Any:
    """The same model on modules of its own wherever generating leaves traces, such as PEFT's hooks on its layers, and
    on the same modules elsewhere. A tenth of the work of a whole skeleton."""
    marked: dict[int, Module] = {}

    def mark(module: Module) -> bool:
        if id(module) in marked:
            return True
        inside = [mark(each) for each in module.children()]
        if any(inside) or isinstance(module, TRACED):
            marked[id(module)] = module
        return id(module) in marked

    mark(model)
    return _tree([model, *(module for module in marked.values() if module is not model)], {})


def _tree(modules: list[Any], copies: dict[int, Any]) -> Any:
    """Copies of these modules, of which the first is the model, over each other and over `copies` of their tensors."""
    copies |= {id(module): object.__new__(type(module)) for module in modules}
    for module in modules:
        vars(copies[id(module)]).update({name: _copied(value, copies) for name, value in vars(module).items()})
    return copies[id(modules[0])]


def _copied(value: Any, copies: dict[int, Any]) -> Any:
    """What a copied module holds in place of `value`: new containers, methods of the new modules, and the same leaves.

    `copies` are the new ones by the `id` of the old ones.
    """
    if id(value) in copies:
        return copies[id(value)]
    if isinstance(value, dict | list | set):
        new: Any = copy.copy(value)
        copies[id(value)] = new
        if isinstance(value, dict):
            for key, each in value.items():
                new[key] = _copied(each, copies)
        elif isinstance(value, list):
            new[:] = [_copied(each, copies) for each in value]
        return new
    if isinstance(value, tuple) and any(isinstance(each, Module | torch.nn.Parameter) for each in value):
        return tuple(_copied(each, copies) for each in value)
    if isinstance(value, MethodType):
        return MethodType(value.__func__, _copied(value.__self__, copies))
    if isinstance(value, partial):
        arguments = [_copied(each, copies) for each in value.args]
        return partial(_copied(value.func, copies), *arguments, **_copied(value.keywords, copies))
    if type(value).__name__ == "MatmulLtState":  # bitsandbytes' notes of a forward pass, beside the 8-bit weights
        return copy.copy(value)
    return value
