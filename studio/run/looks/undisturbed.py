"""A look at a model in training that leaves no trace: not in its modes, nor in the random numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import TrainingArguments

from studio.run.chance import Chance


@contextmanager
def undisturbed(model: Any, args: TrainingArguments) -> Iterator[None]:
    """Inside, the model answers as in a held-out check: without dropout, in the precision of training, without grads.
    Afterwards each of its modules is in the mode that it was in, and chance goes on as if nothing had been."""
    chance, modes = Chance.now(), [(module, module.training) for module in model.modules()]
    config, cache = model.config, getattr(model.config, "use_cache", None)
    model.eval()
    try:
        with torch.no_grad(), _precision(model, args):
            yield
    finally:
        for module, training in modes:
            module.training = training
        if cache is not None:
            config.use_cache = cache
        chance.restore()


def _precision(model: Any, args: TrainingArguments) -> Any:
    kind = torch.bfloat16 if args.bf16 else torch.float16
    return torch.autocast(model.device.type, dtype=kind, enabled=bool(args.bf16 or args.fp16))
