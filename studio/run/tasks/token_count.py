"""Counting the tokens that a trainer of transformers has seen, as TRL's trainers do by themselves."""

from __future__ import annotations

from typing import Any


class CountsTokens:
    """A trainer that logs `num_tokens`: the tokens since it began, padding left out. To be put before its class."""

    accelerator: Any
    _tokens = 0

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Any:
        """One batch, counted."""
        self._tokens += int(self.accelerator.gather(inputs["attention_mask"].sum().to(self.accelerator.device)).sum())
        return super().training_step(model, inputs, num_items_in_batch)  # type: ignore[misc]

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """What is measured, and the tokens so far."""
        super().log({**logs, "num_tokens": float(self._tokens)}, start_time)  # type: ignore[misc]
