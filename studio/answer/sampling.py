"""Choosing tokens by chance, each row with a chance of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from transformers import LogitsProcessor

if TYPE_CHECKING:
    from studio.answer.settings import Settings


class RowSampler(LogitsProcessor):
    """Draws each row's next token with temperature and top-p, and leaves the model no other choice.

    Each row has its own generator of the same seed, so that an answer does not depend on who else is in the batch
    (`generate`'s own sampling draws for the whole batch from one generator). Top-p is nucleus sampling: Holtzman et
    al. 2019, arXiv 1904.09751, section 3.1.
    """

    def __init__(self, settings: Settings, rows: int, device: torch.device) -> None:
        self._temperature = settings.temperature
        self._top_p = settings.top_p
        self._generators = [torch.Generator(device).manual_seed(settings.seed) for _ in range(rows)]

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        drawn = [self._draw(row, generator) for row, generator in zip(scores, self._generators, strict=True)]
        return torch.full_like(scores, float("-inf")).scatter_(1, torch.stack(drawn), 0.0)

    def _draw(self, scores: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        probabilities, tokens = torch.softmax(scores.float() / self._temperature, dim=-1).sort(descending=True)
        before = probabilities.cumsum(0) - probabilities
        nucleus = probabilities * (before < self._top_p)  # the likeliest token always stays
        return tokens[torch.multinomial(nucleus, 1, generator=generator)]
