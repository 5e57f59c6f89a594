"""Loading a base model safely, with the head that a task wants."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSequenceClassification

from studio.errors import StudioError
from studio.run.accelerated.ranks import is_sharded, this_rank
from studio.run.precision import Precision, choose_precision

if TYPE_CHECKING:
    from transformers import BitsAndBytesConfig, PretrainedConfig, PreTrainedModel

__all__ = ["Precision", "attention_fallback", "choose_precision", "load_model", "load_with_head"]

HEADS = ("score", "classifier", "pre_classifier", "classification_head", "pooler.dense")  # never stored in fewer bits
KINDS = {
    AutoModelForCausalLM: "a causal language model",
    AutoModelForMaskedLM: "an encoder with a head for masked language modeling",
    AutoModelForSequenceClassification: "a decoder or an encoder that classifies",
}


def load_model(
    folder: Path, precision: Precision, quantization: BitsAndBytesConfig | None = None, kind: Any = AutoModelForCausalLM
) -> PreTrainedModel:
    """The base model, on the GPU where there is one. Safetensors only; no code from the folder is run.

    Args:
        folder: where it lies.
        precision: how its weights are held.
        quantization: how they are stored, where in fewer bits.
        kind: which of transformers' automatic classes; the folder must hold all weights of such a model.

    Raises:
        StudioError: the weights cannot be loaded, or do not hold the kind's head; memory exhaustion is left as it is.
    """
    model, found = _loaded(folder, precision, quantization, kind)
    if found["missing_keys"] or found["mismatched_keys"]:
        raise StudioError(
            f"The base model in {folder} has no weights for {_some_names(found)}, which {KINDS[kind]} needs. "
            f"Choose {KINDS[kind]} with whole safetensors files."
        )
    return model


def load_with_head(
    folder: Path, precision: Precision, quantization: BitsAndBytesConfig | None, kind: Any, **settings: Any
) -> tuple[PreTrainedModel, tuple[str, ...]]:
    """The base model with a head on it, and the modules that the folder has no weights for: the head, where it is new.

    Args:
        folder, precision, quantization: as in `load_model`.
        kind: which of transformers' automatic classes.
        settings: what the model's configuration is to say instead of its own.

    Raises:
        StudioError: the weights cannot be loaded, or parts of the body are missing.
    """
    if quantization is not None:
        quantization.llm_int8_skip_modules = [*(quantization.llm_int8_skip_modules or ()), *HEADS]
    model, found = _loaded(folder, precision, quantization, kind, **settings)
    new = sorted({name.rpartition(".")[0] for name in _names(found)})
    body = f"{model.base_model_prefix}."
    if lost := [name for name in new if name.startswith(body) and "pooler" not in name]:
        raise StudioError(
            f"The base model in {folder} is not whole: it has no weights for {', '.join(lost[:3])}. "
            "Copy or download it again."
        )
    return model, tuple(new)


def attention_fallback(model: PreTrainedModel) -> tuple[str, str] | None:
    """What was decided about the attention, and why; None where nothing had to be."""
    if getattr(model.config, "_attn_implementation", "sdpa") == "sdpa":
        return None
    return "plain attention", "this architecture has no fused one in transformers: it takes more memory and time"


def _loaded(
    folder: Path, precision: Precision, quantization: BitsAndBytesConfig | None, kind: Any, **settings: Any
) -> tuple[PreTrainedModel, dict[str, Any]]:
    """The model, and which weights were missing from its folder."""
    options: dict[str, Any] = {"quantization_config": quantization} if quantization else {}
    if torch.cuda.is_available() and not is_sharded():
        options["device_map"] = {"": this_rank().local}
    try:
        attention = _attention(folder, kind)
        model, found = kind.from_pretrained(
            folder,
            config=_config(folder, attention, **settings),
            dtype=precision.weights,
            trust_remote_code=False,
            use_safetensors=True,
            local_files_only=True,
            attn_implementation=attention,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            **options,
        )
    except (OSError, ValueError, KeyError, ImportError, SafetensorError) as error:
        raise StudioError(
            f"The base model in {folder} cannot be loaded ({type(error).__name__}: {error!s:.300}). "
            f"Choose {KINDS[kind]} with whole safetensors files."
        ) from error
    _keep_gradients(model)
    return model, found


def _config(folder: Path, attention: str, **settings: Any) -> PretrainedConfig:
    """The model's settings, without the attention kernel of the Hub that they may name: it would be foreign code."""
    return AutoConfig.from_pretrained(
        folder, trust_remote_code=False, local_files_only=True, attn_implementation=attention, **settings
    )


def _attention(folder: Path, kind: Any) -> str:
    """The fused attention of torch where the architecture has it."""
    model_class = kind._model_mapping.get(type(_config(folder, "eager")), None)
    classes = model_class if isinstance(model_class, tuple) else (model_class,)
    return "sdpa" if all(getattr(each, "_supports_sdpa", True) for each in classes) else "eager"


def _names(found: dict[str, Any]) -> list[str]:
    """The weights that are missing or of another size."""
    mismatched = [each if isinstance(each, str) else each[0] for each in found["mismatched_keys"]]
    return sorted({*found["missing_keys"], *mismatched})


def _some_names(found: dict[str, Any]) -> str:
    names = _names(found)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _keep_gradients(model: PreTrainedModel) -> None:
    """Forbid bitsandbytes to pack 4-bit weights for AVX-512 at the first evaluation: no gradient passes them then."""
    modules: Iterator[Any] = model.modules()
    for module in modules:
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
