"""Weights of which each process holds a piece (FSDP2, DeepSpeed's ZeRO 3): put together to be kept, cut up to be read.

Where every process holds all of them, what is here does nothing. All processes have to come to each of these calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch

from studio.run.accelerated.ranks import is_sharded


def gathered(weight: torch.Tensor) -> torch.Tensor:
    """The whole of a weight."""
    if hasattr(weight, "full_tensor"):  # torch's DTensor
        sharded: Any = weight.detach()
        return cast("torch.Tensor", sharded.full_tensor())
    if hasattr(weight, "ds_id"):
        with _brought_together([weight], None):
            return weight.detach().clone()
    return weight.detach()


@contextmanager
def writable(weights: Iterable[torch.Tensor]) -> Iterator[None]:
    """Inside, whole values may be copied into the weights with `put`."""
    partitioned = [weight for weight in weights if hasattr(weight, "ds_id")]
    if partitioned:
        with _brought_together(partitioned, 0):
            yield
    else:
        yield


def put(value: torch.Tensor, weight: torch.Tensor) -> None:
    """Copy a whole value into a weight, of which this process keeps its piece."""
    if hasattr(weight, "full_tensor"):
        from torch.distributed.tensor import distribute_tensor

        sharded: Any = weight
        value = distribute_tensor(value.to(weight.device, weight.dtype), sharded.device_mesh, sharded.placements)
    weight.copy_(value)


def whole_weights(trainer: Any) -> dict[str, torch.Tensor] | None:
    """All weights of a trainer's model, in the first process at least; None where the model has them itself."""
    return trainer.accelerator.get_state_dict(trainer.model_wrapped) if is_sharded() else None


def _brought_together(weights: list[torch.Tensor], modifier: int | None) -> Any:
    import deepspeed

    return deepspeed.zero.GatheredParameters(weights, modifier_rank=modifier)
