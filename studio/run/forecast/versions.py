"""What a forecast depends on beside the recipe: other versions of these libraries take other memory and time."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

USED = ("torch", "transformers", "trl", "peft", "accelerate", "bitsandbytes", "datasets")


@cache
def versions() -> tuple[str, ...]:
    """The installed version of each."""
    return tuple(version(each) for each in USED)
