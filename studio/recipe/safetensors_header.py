"""The list of tensors at the head of a .safetensors file, read without torch and without trusting the file."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LARGEST_HEADER_BYTES = 32_000_000  # the largest known models stay below 5 MB; safetensors itself allows 100 MB
MOST_DIMENSIONS = 16
LFS_POINTER = b"version "  # what git leaves in a file's place where Git LFS did not fetch it
ITEM_BYTES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


class TornHeader(ValueError):
    """The file is not a whole safetensors file; the text says in what way, as the end of a sentence."""


@dataclass(frozen=True)
class Tensor:
    """One entry of the header: `dtype` in safetensors' own words, such as "BF16"."""

    dtype: str
    shape: tuple[int, ...]
    bytes: int

    @property
    def items(self) -> int:
        return math.prod(self.shape)


def read_header(path: Path) -> dict[str, Tensor]:
    """The tensors of the file by name.

    Raises:
        TornHeader: the file is empty, cut off, or something else than safetensors.
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        if start == LFS_POINTER:
            raise TornHeader("is only a Git LFS pointer, not the weights: run `git lfs pull` in the folder")
        length = int.from_bytes(start, "little")
        if size < 8 or length > size - 8:
            raise TornHeader("is empty" if size == 0 else "is cut off within its header")
        if length > LARGEST_HEADER_BYTES:
            raise TornHeader(f"has a header of {length} bytes, more than any model needs")
        text = file.read(length)
    tensors = _tensors(text)
    promised = 8 + length + sum(tensor.bytes for tensor in tensors.values())
    if promised != size:
        raise TornHeader(f"has {size:,} bytes, but its header promises {promised:,}: the copy was cut off")
    return tensors


def _tensors(text: bytes) -> dict[str, Tensor]:
    try:
        entries = json.loads(text)
        tensors = {name: _tensor(entry) for name, entry in entries.items() if name != "__metadata__"}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise TornHeader("has a header that cannot be read") from None
    if not tensors:
        raise TornHeader("holds no tensors")
    return tensors


def _tensor(entry: dict[str, Any]) -> Tensor:
    dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    numbers = [*shape, begin, end]
    if not isinstance(dtype, str) or any(type(n) is not int or not 0 <= n < 2**48 for n in numbers):
        raise ValueError(entry)
    if len(shape) > MOST_DIMENSIONS or end < begin:
        raise ValueError(entry)
    tensor = Tensor(dtype, tuple(shape), end - begin)
    if dtype in ITEM_BYTES and tensor.bytes != tensor.items * ITEM_BYTES[dtype]:
        raise ValueError(entry)
    return tensor
