"""Base models without their weights: the very classes and shapes that a run loads, with tensors that hold no bytes.

Inside `unloaded()` every `from_pretrained` of a model builds it from its settings alone, on torch's fake tensors, so
that a method, a trainer and a step can be followed without the memory or the time that they take.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import bitsandbytes as bnb
import torch
import trl.trainer.utils
from bitsandbytes.functional import QuantState, quantize_4bit
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import PretrainedConfig, PreTrainedModel
from transformers.initialization import no_init_weights
from transformers.quantizers import AutoHfQuantizer
from trl.kernels import chunked_logprob

aten = torch.ops.aten
PUTS = (aten.index_put_.default, aten.index_put.default, aten._index_put_impl_.default)


@contextmanager
def unloaded(layers: int | None = None) -> Iterator[None]:
    """Models that are loaded in this block have no weights. With `layers` they have so many layers only."""

    def build(
        cls: Any,
        /,
        folder: Any,
        *_: Any,
        config: PretrainedConfig,
        dtype: torch.dtype,
        device_map: Any = None,
        quantization_config: Any = None,
        **options: Any,
    ) -> Any:
        config = shortened(config, layers) if layers else config
        device = torch.device("cuda", 0) if device_map else torch.device("cpu")
        with device, no_init_weights():
            model = cls._from_config(config, dtype=dtype, attn_implementation=options.get("attn_implementation"))
        model.tie_weights()
        model.name_or_path = str(folder)
        if quantization_config is not None:
            _quantise(model, quantization_config, dtype, device)
        return (model.eval(), _found(model)) if options.get("output_loading_info") else model.eval()

    with (
        _replaced(PreTrainedModel, "from_pretrained", classmethod(build)),
        _replaced(trl.trainer.utils, "_use_triton", _never),  # its kernels cannot be followed
        _replaced(chunked_logprob, "_use_triton", _never),
        _fake_modules(),
        _fakes(),
    ):
        yield


def _never(_: torch.device) -> bool:
    return False


def _found(model: Any) -> dict[str, Any]:
    """What loading would say of the weights: a head that the folder's own class lacks is new."""
    named = model.config.architectures or []
    body = f"{model.base_model_prefix}."
    new = set() if type(model).__name__ in named else {name for name in model.state_dict() if not name.startswith(body)}
    return {"missing_keys": new, "unexpected_keys": set(), "mismatched_keys": set(), "error_msgs": []}


def shortened(config: PretrainedConfig, layers: int) -> PretrainedConfig:
    """The settings of the same model with its first layers only."""
    short = copy.deepcopy(config)
    inner = short.get_text_config()
    kinds = getattr(inner, "layer_types", None)
    inner.num_hidden_layers = layers
    if kinds:
        inner.layer_types = list(kinds[:layers])
    return short


def layers_of(config: PretrainedConfig) -> int:
    """How many layers the model has."""
    return int(config.get_text_config().num_hidden_layers)


@contextmanager
def _fakes() -> Iterator[None]:
    with FakeTensorMode(allow_non_fake_inputs=True), Answers():  # type: ignore[no-untyped-call]
        yield


class Answers(TorchDispatchMode):  # type: ignore[misc, no-untyped-call]
    """Says what a fake tensor holds, where something asks: a harmless value, and all of it where some is chosen."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is aten.equal.default:
            return True
        if func in (aten._local_scalar_dense.default, aten.is_nonzero.default):
            dtype = args[0].dtype
            return True if dtype == torch.bool else 1.0 if dtype.is_floating_point else 1
        if func is aten.masked_select.default:
            return args[0].new_empty(args[0].numel())
        if func is aten.nonzero.default:
            return args[0].new_empty((args[0].numel(), args[0].dim()), dtype=torch.int64)
        if func is aten.index.Tensor and (mask := _mask(args[1])) is not None:
            return args[0].new_empty((mask.numel(), *args[0].shape[mask.dim() :]))
        if func in PUTS and _mask(args[1]) is not None:
            return args[0]
        return func(*args, **(kwargs or {}))


def _mask(indices: Any) -> torch.Tensor | None:
    """The truth values by which some of a tensor is chosen; None where it is chosen by places."""
    (first, *others) = indices
    return first if not others and first is not None and first.dtype == torch.bool else None


@contextmanager
def _replaced(owner: Any, name: str, new: Any) -> Iterator[None]:
    old = owner.__dict__[name]
    setattr(owner, name, new)
    try:
        yield
    finally:
        setattr(owner, name, old)


@contextmanager
def _fake_modules() -> Iterator[None]:
    """`Module.to` for fake weights: torch would swap them in place, which fails where anything refers to them."""
    with _replaced(torch.nn.Module, "_apply", _apply):
        yield


def _apply(self: torch.nn.Module, fn: Callable[[Any], Any], recurse: bool = True) -> torch.nn.Module:
    if recurse:
        for child in self.children():
            child._apply(fn)  # type: ignore[no-untyped-call]
    for name, weight in self._parameters.items():
        if weight is not None:
            with torch.no_grad():
                new = fn(weight)
            if new is not weight:
                self._parameters[name] = torch.nn.Parameter(new, weight.requires_grad)
    for name, buffer in self._buffers.items():
        if buffer is not None:
            self._buffers[name] = fn(buffer)
    return self


def _quantise(model: Any, how: Any, dtype: torch.dtype, device: torch.device) -> None:
    """Store the linear layers as bitsandbytes does. Its own weight classes cannot be made of fake tensors."""
    quantizer = AutoHfQuantizer.from_config(how, pre_quantized=False)
    with torch.utils._python_dispatch._disable_current_modes():  # real classes, made on the meta device
        quantizer.preprocess_model(model=model, config=model.config, device_map=None, dtype=dtype)
    for module in model.modules():
        if isinstance(module, bnb.nn.Linear4bit):
            module._parameters["weight"] = _four_bits(module, how, dtype, device)
        elif isinstance(module, bnb.nn.Linear8bitLt):
            module._parameters["weight"] = _eight_bits(module, device)
        else:
            continue
        if module.bias is not None:
            bias = torch.empty(module.out_features, dtype=dtype, device=device)
            module._parameters["bias"] = torch.nn.Parameter(bias, False)
    model.hf_quantizer = quantizer
    quantizer.postprocess_model(model)


class Params4bit(FakeTensor):
    """A fake weight in 4 bits; libraries know the class by its name."""


class Int8Params(FakeTensor):
    """A fake weight in 8 bits."""


def _four_bits(module: Any, how: Any, dtype: torch.dtype, device: torch.device) -> torch.nn.Parameter:
    whole = torch.empty(module.out_features, module.in_features, dtype=dtype, device=device)
    storage = how.bnb_4bit_quant_storage
    packed, state = quantize_4bit(
        whole,
        compress_statistics=how.bnb_4bit_use_double_quant,
        quant_type=how.bnb_4bit_quant_type,
        quant_storage=storage,
    )
    weight: Any = torch.nn.Parameter(packed, requires_grad=False)
    weight.__class__ = Params4bit
    weight.quant_state, weight.quant_storage, weight.bnb_quantized = state, storage, True
    weight.quant_type, weight.compress_statistics = how.bnb_4bit_quant_type, how.bnb_4bit_use_double_quant
    weight.blocksize, weight.module = state.blocksize, module
    module.quant_state = state
    return weight  # type: ignore[no-any-return]


def _eight_bits(module: Any, device: torch.device) -> torch.nn.Parameter:
    whole = torch.empty(module.out_features, module.in_features, dtype=torch.int8, device=device)
    weight: Any = torch.nn.Parameter(whole, requires_grad=False)
    weight.__class__ = Int8Params
    weight.CB, weight.SCB = weight.data, torch.empty(module.out_features, device=device)
    weight.has_fp16_weights = False
    return weight  # type: ignore[no-any-return]


def quantised_tensors(weight: Any) -> Iterator[torch.Tensor]:
    """What belongs to a weight beside its own bytes: scales and tables."""
    states = [getattr(weight, "quant_state", None)]
    while states:
        state = states.pop()
        if isinstance(state, QuantState):
            yield from (each for each in (state.absmax, state.code, state.offset) if isinstance(each, torch.Tensor))
            states.append(state.state2)
    if isinstance(scales := getattr(weight, "SCB", None), torch.Tensor):
        yield scales
