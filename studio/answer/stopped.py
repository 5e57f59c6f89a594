"""Ending an answer, or a batch of them, between two tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from transformers import StoppingCriteria


class Stopped(StoppingCriteria):  # type: ignore[misc]
    """Ends all rows of a pass of `generate` once `stopped` says so; `was` says that it did."""

    def __init__(self, stopped: Callable[[], bool]) -> None:
        self._stopped = stopped
        self.was = False

    def __call__(self, input_ids: torch.Tensor, scores: Any, **kwargs: Any) -> torch.Tensor:
        """Whether each of the rows ends, of shape (rows,)."""
        self.was = self.was or self._stopped()
        return torch.full((input_ids.shape[0],), self.was, device=input_ids.device)
