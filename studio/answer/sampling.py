"""Choosing tokens by chance, each row with a chance of its own, and what the model held of those that were chosen."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import torch
from transformers import LogitsProcessor

if TYPE_CHECKING:
    from studio.answer.settings import Settings

OTHERS = 10  # likeliest other tokens that are kept with a chosen one


class Token(NamedTuple):
    """A token that was chosen, its probability, and the likeliest others with theirs, likeliest first.

    Probabilities are the model's own: the softmax of its raw scores, at temperature 1 and before top-p.
    """

    id: int
    p: float
    others: list[tuple[int, float]]


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


class Chances(LogitsProcessor):
    """Sees the raw scores of each step, first of all processors, and tells afterwards how likely the chosen were."""

    def __init__(self) -> None:
        self._steps: deque[tuple[torch.Tensor, torch.Tensor, torch.return_types.topk]] = deque()

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        likeliest = scores.topk(min(OTHERS + 1, scores.shape[-1]))
        self._steps.append((scores, scores.logsumexp(-1, keepdim=True), likeliest))
        return scores

    def of(self, chosen: torch.Tensor) -> list[Token]:
        """The tokens chosen in the earliest step that was not asked for yet, row by row."""
        scores, total, likeliest = self._steps.popleft()
        own = (scores.gather(1, chosen.to(scores.device)[:, None]) - total).exp()[:, 0].tolist()
        ids, values = likeliest.indices.tolist(), (likeliest.values - total).exp().tolist()
        return [
            Token(token, p, [other for other in zip(row, ps, strict=True) if other[0] != token][:OTHERS])
            for token, p, row, ps in zip(chosen.tolist(), own, ids, values, strict=True)
        ]
