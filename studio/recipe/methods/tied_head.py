"""A head that is one table with the embeddings, while some tokens of that table are trained."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional


class TiedHead(torch.nn.Module):
    """Stands where PEFT's layer stood, and answers the same.

    TRL computes the loss from the head's `weight`, for which PEFT's layer gives the table without the trained tokens:
    TRL refuses that. Here `weight` has them. The table stays registered with the embeddings alone.
    """

    bias = None

    def __init__(self, layer: Any) -> None:
        """`layer` is PEFT's layer of the head."""
        super().__init__()
        self._layer = (layer,)  # in a tuple, so that its weights are not counted twice

    @property
    def weight(self) -> torch.Tensor:
        """The table with the trained tokens in it."""
        (layer,) = self._layer
        return layer.get_merged_weights(layer.active_adapters)  # type: ignore[no-any-return]

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return functional.linear(hidden, self.weight)
