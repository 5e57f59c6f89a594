"""How an error says that the memory was not enough."""

from __future__ import annotations

import torch


def out_of_memory(error: BaseException) -> bool:
    """Whether that is what an error says, of a GPU or of the machine."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)
