"""Follows every operation on fake tensors: which bytes live, when they are most, and how much is computed."""

from __future__ import annotations

import math
import weakref
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from studio.run.forecast.forecast import MemoryPart

ALIGNED = 64  # bytes; how torch's allocator of a CPU rounds
PAGE = 4096  # bytes that a CPU's memory is given out in, when they are first written to
UNWRITTEN = ("aten::empty", "aten::new_empty", "aten::empty_like", "aten::empty_strided", "aten::new_empty_strided")


@dataclass
class Moment:
    """The most that lived at once in some stretch of the training, by parts."""

    bytes: int = 0
    parts: Counter[MemoryPart] = field(default_factory=Counter)


class Tracker(TorchDispatchMode):  # type: ignore[misc, no-untyped-call]
    """Counts the bytes of every tensor made under it, and of those it is told of, for as long as they live.

    `vocabulary` tells logits from other activations: they are as wide as it.
    """

    def __init__(self, vocabulary: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._vocabulary = vocabulary
        self._sizes: dict[int, int] = {}  # by storage
        self._parts: dict[int, MemoryPart] = {}
        self._living: Counter[MemoryPart] = Counter()
        self._now = 0
        self._unwritten: dict[int, int] = {}  # bytes of storages that were written to in part or not at all
        self.making: MemoryPart = "activations"
        self.peak = Moment()
        self.operations = 0
        self.traffic = 0
        self.flops: Counter[str] = Counter()

    def moment(self) -> Moment:
        """The highest point since this was asked last."""
        peak, self.peak = self.peak, Moment(self._now, self._living.copy())
        return peak

    def name(self, tensors: Iterable[torch.Tensor], part: MemoryPart) -> None:
        """Say what tensors are for, whether they were seen before or not."""
        for tensor in tensors:
            storage = tensor.untyped_storage()
            key = storage._cdata
            if key not in self._sizes:
                self._born(storage, part)
            elif self._parts[key] != part:
                size = self._sizes[key]
                self._living[self._parts[key]] -= size
                self._living[part] += size
                self._parts[key] = part

    def part_bytes(self) -> Counter[MemoryPart]:
        """What lives now."""
        return self._living.copy()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        options = kwargs or {}
        out = func(*args, **options)
        self.operations += 1
        self._written(func, args, options)
        self._within(func, args)
        self._count(func, args, options, out)
        for each in tree_leaves(out):
            if isinstance(each, torch.Tensor):
                self._seen(each, func)
        return out

    def _seen(self, tensor: torch.Tensor, func: Any) -> None:
        storage = tensor.untyped_storage()
        if storage._cdata not in self._sizes and storage.nbytes():
            if tensor.device.type == "cpu" and func._schema.name in UNWRITTEN:
                self._unwritten[storage._cdata] = storage.nbytes()
            wide = tensor.dim() > 1 and tensor.shape[-1] == self._vocabulary and self.making == "activations"
            self._born(storage, "logits" if wide else self.making)

    def _born(self, storage: Any, part: MemoryPart) -> None:
        key = storage._cdata
        self._sizes[key], self._parts[key] = 0, part
        weakref.finalize(storage, self._died, key).atexit = False
        self._grow(key, 0 if key in self._unwritten else -(-storage.nbytes() // ALIGNED) * ALIGNED)

    def _grow(self, key: int, size: int) -> None:
        self._sizes[key] += size
        self._living[self._parts[key]] += size
        self._now += size
        self._peak_at(self._now)

    def _died(self, key: int) -> None:
        size = self._sizes.pop(key)
        self._living[self._parts.pop(key)] -= size
        self._unwritten.pop(key, None)
        self._now -= size

    def _written(self, func: Any, args: Any, options: Any) -> None:
        """Memory that was asked for but not written to takes none; pages come as an operation writes into them."""
        if not self._unwritten or not func._schema.is_mutable:
            return
        for place, argument in enumerate(func._schema.arguments):
            if argument.alias_info is None or not argument.alias_info.is_write:
                continue
            given = options.get(argument.name) if argument.kwarg_only or place >= len(args) else args[place]
            for tensor in tree_leaves(given):
                if isinstance(tensor, torch.Tensor):
                    self._touch(tensor)

    def _touch(self, tensor: torch.Tensor) -> None:
        key = tensor.untyped_storage()._cdata
        if key not in self._unwritten:
            return
        reached = min(self._unwritten[key], _pages(tensor))
        if reached > self._sizes[key]:
            self._grow(key, reached - self._sizes[key])

    def _peak_at(self, now: int, extra: int = 0) -> None:
        if now + extra > self.peak.bytes:
            self.peak = Moment(now + extra, self._living.copy())
            self.peak.parts["activations"] += extra

    def _within(self, func: Any, args: Any) -> None:
        """Bytes that an operation takes for itself and gives back before it ends."""
        inner = INNER.get(str(func))
        if inner is not None:
            self._peak_at(self._now, inner(args))

    def _count(self, func: Any, args: Any, options: Any, out: Any) -> None:
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            first = next((each for each in tree_leaves(args) if isinstance(each, torch.Tensor)), None)
            self.flops[str(first.dtype) if first is not None else ""] += int(formula(*args, **options, out_val=out))
        elif not func.is_view:
            self.traffic += sum(each.nbytes for each in tree_leaves((args, out)) if isinstance(each, torch.Tensor))


def _pages(tensor: torch.Tensor) -> int:
    """Bytes of the pages that a tensor lies in; one with gaps between its rows lies in some of each row's."""
    if tensor.is_contiguous() or tensor.dim() < 2:
        return int(tensor.nbytes)
    row = tensor.shape[-1] * tensor.element_size()
    return int(tensor.numel() // tensor.shape[-1]) * -(-row // PAGE) * PAGE


def _dequantised(args: Any) -> int:
    """The whole weight matrix that bitsandbytes unpacks for a product on a CPU."""
    product, _, shape = args[:3]
    return math.prod(shape) * int(product.element_size())


INNER: dict[str, Callable[[Any], int]] = {"bitsandbytes.gemm_4bit.default": _dequantised}
