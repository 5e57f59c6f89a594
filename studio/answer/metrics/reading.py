"""How a model reads the references: what each token of them costs it."""

from __future__ import annotations

import numpy as np

from studio.answer.metrics.metric import Said, mean

MOST_NATS = 700.0  # of which e is still a number


def costs(said: Said) -> np.ndarray:
    """Nats and tokens of each reference."""
    lines = [(np.nan, np.nan) if r is None or r.tokens < 1 else (r.nats, float(r.tokens)) for r in said.read]
    return np.array(lines, dtype=np.float64).reshape(-1, 2)


def perplexity(sums: np.ndarray) -> np.ndarray:
    """exp(nats / tokens): Jelinek et al. 1977, "Perplexity: a measure of the difficulty of speech recognition tasks",
    over all tokens of the completions."""
    return np.exp(np.minimum(mean(sums), MOST_NATS))
