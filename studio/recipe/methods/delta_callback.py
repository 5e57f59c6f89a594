"""What Delta-LoRA does around each optimiser step. Apart from the method, because it needs PyTorch when it is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

ADAPTER = "default"


class DeltaStep(TrainerCallback):  # type: ignore[misc]
    """Adds to each adapted weight what the step changed in the product of its two thin matrices.

    W ← W + λ · (α/r) · (B′A′ − BA), where A, B are the matrices before and A′, B′ those after the step. Before the step
    only A and B are copied, and the difference is added in place, so that no second W is ever held.
    """

    def __init__(self, scale: float, start: int) -> None:
        """`scale` is λ, `start` is K: steps are counted from 0, and those after step K move W."""
        self._scale = scale
        self._start = start
        self._before: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **_: Any
    ) -> None:
        if state.global_step > self._start:
            self._before = {
                name: (layer.lora_A[ADAPTER].weight.detach().clone(), layer.lora_B[ADAPTER].weight.detach().clone())
                for name, layer in adapted(model)
            }

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **_: Any
    ) -> None:
        layers = dict(adapted(model)) if self._before else {}
        for name, (a, b) in self._before.items():
            add_difference(layers[name], a, b, self._scale)
        self._before = {}


def adapted(model: Any) -> Iterator[tuple[str, Any]]:
    """The layers that have thin matrices beside their weight, by name."""
    return ((name, layer) for name, layer in model.named_modules() if isinstance(layer, LoraLayer))


@torch.no_grad()  # type: ignore[untyped-decorator]
def add_difference(layer: Any, a: torch.Tensor, b: torch.Tensor, scale: float) -> None:
    """W += scale · (α/r) · (B′A′ − BA), with `a` and `b` as they were before the step.

    Computed as (B′ − B)A′ + B(A′ − A), because the products differ by less than their rounding.
    """
    weight = layer.get_base_layer().weight
    if layer.fan_in_fan_out:  # GPT-2 stores its weights the other way round
        weight = weight.T
    new_a, new_b = layer.lora_A[ADAPTER].weight, layer.lora_B[ADAPTER].weight
    tall, wide = torch.cat([new_b - b, b], dim=1), torch.cat([new_a, new_a - a])
    weight.addmm_(tall.to(weight.dtype), wide.to(weight.dtype), alpha=scale * layer.scaling[ADAPTER])
