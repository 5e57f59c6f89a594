"""Where the random numbers stand, to be gone back to."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch


@dataclass(frozen=True)
class Chance:
    """The state of all random numbers of this process at one moment."""

    python: Any
    numpy: Any
    processor: torch.Tensor
    gpu: torch.Tensor | None

    @classmethod
    def now(cls) -> Chance:
        """As they stand."""
        gpu = torch.cuda.get_rng_state() if torch.cuda.is_available() else None
        return cls(random.getstate(), np.random.get_state(), torch.get_rng_state(), gpu)

    def restore(self) -> None:
        """Go back to this moment."""
        random.setstate(self.python)
        np.random.set_state(self.numpy)
        torch.set_rng_state(self.processor)
        if self.gpu is not None:
            torch.cuda.set_rng_state(self.gpu)
