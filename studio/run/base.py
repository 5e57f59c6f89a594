"""Loading a base model safely, in a precision that suits the machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM

from studio.errors import StudioError

if TYPE_CHECKING:
    from transformers import BitsAndBytesConfig, PretrainedConfig, PreTrainedModel

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


def choose_precision(asked: str) -> Precision:
    """The precision for `asked` ("auto", "bfloat16", "float16" or "float32") on this machine."""
    if asked == "auto":
        return _best_precision()
    reason = "as the recipe says"
    if asked == "float32":
        return Precision(torch.float32, None, reason)
    on_gpu = torch.cuda.is_available()
    if asked == "float16":
        if not on_gpu:
            raise StudioError("You set precision to float16, but a CPU trains badly in it. Set precision to auto.")
        return Precision(torch.float16, "fp16", reason)
    return Precision(torch.bfloat16 if on_gpu else torch.float32, "bf16", reason)


def _best_precision() -> Precision:
    if torch.cuda.is_available():
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return Precision(torch.bfloat16, "bf16", "this GPU computes in bfloat16")
        return Precision(torch.float16, "fp16", "this GPU has no bfloat16")
    ratio = _matmul_seconds(torch.float32) / _matmul_seconds(torch.bfloat16)
    if ratio >= WORTH_IT:
        return Precision(torch.float32, "bf16", f"this CPU multiplies {ratio:.1f} times faster in bfloat16")
    return Precision(torch.float32, None, f"bfloat16 is no faster on this CPU ({ratio:.1f} times)")


def _matmul_seconds(dtype: torch.dtype, size: int = 512, repeats: int = 8) -> float:
    matrix = torch.ones(size, size, dtype=dtype)
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        matrix @ matrix
        best = min(best, time.perf_counter() - start)
    return best


def load_model(folder: Path, precision: Precision, quantization: BitsAndBytesConfig | None = None) -> PreTrainedModel:
    """The base model, on the GPU where there is one. Safetensors only; no code from the folder is run.

    Raises:
        StudioError: the weights cannot be loaded; memory exhaustion is left as it is.
    """
    options: dict[str, Any] = {"quantization_config": quantization} if quantization else {}
    if torch.cuda.is_available():
        options["device_map"] = {"": 0}
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder,
            config=_config(folder),
            dtype=precision.weights,
            trust_remote_code=False,
            use_safetensors=True,
            local_files_only=True,
            attn_implementation="sdpa",
            **options,
        )
    except (OSError, ValueError, KeyError, ImportError, SafetensorError) as error:
        raise StudioError(
            f"The base model in {folder} cannot be loaded ({type(error).__name__}: {error!s:.300}). "
            "Choose a causal language model with whole safetensors files."
        ) from error
    _keep_gradients(model)
    return model


def _config(folder: Path) -> PretrainedConfig:
    """The model's settings, without the attention kernel of the Hub that they may name: it would be foreign code."""
    return AutoConfig.from_pretrained(
        folder, trust_remote_code=False, local_files_only=True, attn_implementation="sdpa"
    )


def _keep_gradients(model: PreTrainedModel) -> None:
    """Forbid bitsandbytes to pack 4-bit weights for AVX-512 at the first evaluation: no gradient passes them then."""
    modules: Iterator[Any] = model.modules()
    for module in modules:
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
