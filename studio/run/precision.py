"""In which precision a model is held and computed with on this machine."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from torch.nn import functional

from studio.errors import StudioError
from studio.recipe.model_folder import Widths

USUAL_WIDTHS = Widths(hidden=576, inner=1536)  # of a model of 135 M weights
USUAL_TOKENS = 384
WIDEST, MOST_TOKENS = 576, 384  # a probe with more takes longer and says the same
ROW = 48  # tokens of one row of the probe
HEAD = 64  # columns of one attention head
PROBE_SECONDS = 0.15
WORTH_IT = 1.2  # bfloat16 must be this much faster than float32 on a CPU, or its rounding is not worth having


@dataclass(frozen=True)
class Precision:
    """How numbers are held: the base's weights, the computation (None: as the weights), and why."""

    weights: torch.dtype
    autocast: Literal["bf16", "fp16"] | None
    reason: str

    @property
    def compute(self) -> torch.dtype:
        return {"bf16": torch.bfloat16, "fp16": torch.float16, None: torch.float32}[self.autocast]


def choose_precision(asked: str, widths: Widths | None = None, tokens: int = USUAL_TOKENS) -> Precision:
    """The precision for `asked` ("auto", "bfloat16", "float16" or "float32") on this machine.

    Args:
        asked: what the recipe says.
        widths: how wide the model's layers are; None takes those of a model of some hundred million weights.
        tokens: how many tokens pass a layer at once, about.
    """
    if asked == "auto":
        return _best_precision(widths or USUAL_WIDTHS, tokens)
    reason = "as the recipe says"
    if asked == "float32":
        return Precision(torch.float32, None, reason)
    on_gpu = torch.cuda.is_available()
    if asked == "float16":
        if not on_gpu:
            raise StudioError("You set precision to float16, but a CPU trains badly in it. Set precision to auto.")
        return Precision(torch.float16, "fp16", reason)
    return Precision(torch.bfloat16 if on_gpu else torch.float32, "bf16", reason)


def _best_precision(widths: Widths, tokens: int) -> Precision:
    if torch.cuda.is_available():
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return Precision(torch.bfloat16, "bf16", "this GPU computes in bfloat16")
        return Precision(torch.float16, "fp16", "this GPU has no bfloat16")
    ratio = speed_ratio(widths, tokens)
    if ratio >= WORTH_IT:
        return Precision(
            torch.float32, "bf16", f"this CPU computes layers of this width {ratio:.1f} times faster in bfloat16"
        )
    return Precision(
        torch.float32, None, f"bfloat16 is no faster for layers of this width on this CPU ({ratio:.1f} times)"
    )


def speed_ratio(widths: Widths, tokens: int) -> float:
    """How many times faster than in float32 a decoder layer goes there and back under bfloat16 autocast on this CPU.

    The layer has frozen weights of the model's own widths. The time of one thread is taken, so that what else the
    machine does changes nothing. In narrow layers, and for few tokens, the casts cost more than the products save.
    """
    width = max(HEAD, min(widths.hidden, WIDEST) // HEAD * HEAD)
    inner = max(HEAD, round(width * widths.inner / widths.hidden))
    layer = _Layer(width, inner)
    inputs = torch.ones(max(1, min(tokens, MOST_TOKENS) // ROW), ROW, width, requires_grad=True)
    best = {False: float("inf"), True: float("inf")}
    with _one_thread():
        end = time.thread_time() + PROBE_SECONDS
        for tries in itertools.count():
            for reduced in best:
                best[reduced] = min(best[reduced], _seconds(layer, inputs, reduced))
            if tries and time.thread_time() > end:  # the first try of each also prepares the kernels
                break
    return best[False] / best[True]


class _Layer:
    """A decoder layer of the usual kind."""

    def __init__(self, width: int, inner: int) -> None:
        shapes = dict.fromkeys("qkvo", (width, width)) | dict.fromkeys(("gate", "up"), (inner, width))
        shapes["down"] = (width, inner)
        self._weights = {name: torch.full(shape, 1e-3) for name, shape in shapes.items()}
        self._scale = torch.ones(width)

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        rows, length, width = inputs.shape
        normed = functional.rms_norm(inputs, (width,), self._scale)
        query, key, value = (self._linear(name, normed).view(rows, length, -1, HEAD).transpose(1, 2) for name in "qkv")
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        between = inputs + self._linear("o", seen.transpose(1, 2).reshape(rows, length, width))
        normed = functional.rms_norm(between, (width,), self._scale)
        gated = functional.silu(self._linear("gate", normed)) * self._linear("up", normed)
        return between + self._linear("down", gated)

    def _linear(self, name: str, inputs: torch.Tensor) -> torch.Tensor:
        return functional.linear(inputs, self._weights[name])


def _seconds(layer: _Layer, inputs: torch.Tensor, reduced: bool) -> float:
    start = time.thread_time()
    with torch.autocast("cpu", torch.bfloat16, enabled=reduced):
        outputs = layer(inputs)
    outputs.float().sum().backward()  # type: ignore[no-untyped-call]
    return time.thread_time() - start


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
