"""One linear layer under the name that attention has in a language model, and a step of training over it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from peft import get_peft_model

from studio.recipe.methods.method import Situation, TuningMethod

INPUTS = torch.linspace(-1, 1, 24, dtype=torch.float32).reshape(4, 6) ** 2
WANTED = torch.linspace(1, -1, 20, dtype=torch.float32).reshape(4, 5)


class OneLayer(torch.nn.Module):
    """h = W₀x, with 6 inputs and 5 outputs."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.attn = torch.nn.ModuleDict({"q_proj": torch.nn.Linear(6, 5, bias=False)})

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.attn["q_proj"](inputs)


def put_on(method: TuningMethod, steps: int = 1) -> tuple[Any, Any]:
    """A layer with the adapter of `method`, which speaks already (B is not 0), and the adapted layer itself."""
    model = get_peft_model(OneLayer(), method.peft_config(Situation(None, steps)))
    method.choose(model)
    layer = model.base_model.model.attn["q_proj"]
    torch.manual_seed(1)
    if hasattr(layer, "lora_B") and not hasattr(layer, "lora_E"):
        torch.nn.init.normal_(layer.lora_B["default"].weight)
    return model, layer


def step(model: Any, method: TuningMethod, optimizer: Any, number: int = 0) -> None:
    """One optimiser step as the trainer does it: `number` steps were done before."""
    _train(model, method, optimizer, range(number, number + 1))


def _train(model: Any, method: TuningMethod, optimizer: Any, numbers: range) -> None:
    """Optimiser steps as the trainer does them."""
    callbacks = method.callbacks()
    for callback in callbacks:
        callback.on_train_begin(None, None, None, model=model)
    for number in numbers:
        state = SimpleNamespace(global_step=number)
        loss(model).backward()
        for callback in callbacks:
            callback.on_pre_optimizer_step(None, state, None, model=model)
        optimizer.step()
        for callback in callbacks:
            callback.on_optimizer_step(None, state, None, model=model)
        optimizer.zero_grad()


def loss(model: Any) -> torch.Tensor:
    """The sum of squares, whose gradient by what the layer says is 2(h - wanted)."""
    return ((model(INPUTS) - WANTED) ** 2).sum()


def outer(model: Any) -> torch.Tensor:
    """The gradient of the loss by the whole weight matrix: 2(h - wanted)ᵀx."""
    with torch.no_grad():
        return 2 * (model(INPUTS) - WANTED).T @ INPUTS
