"""Each method says what it is, and does to a model what its options say."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re

import pytest

from studio.recipe import methods
from studio.recipe.methods.every import METHODS, method_named
from studio.recipe.methods.low_rank import LAYERS, Lora, QLora
from studio.recipe.methods.method import Situation, TuningMethod


@pytest.mark.parametrize("method", METHODS)
def test_a_method_introduces_itself(method):
    assert method_named(method().name) is method
    assert method.__doc__
    assert method.title
    assert re.search(r"arXiv \d{4}\.\d{5}", method.source)
    assert method.when.endswith(".")


def test_every_method_of_the_folder_is_in_the_registry():
    found = set()
    for module in pkgutil.iter_modules(methods.__path__, f"{methods.__name__}."):
        for _, each in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(each, TuningMethod) and "title" in vars(each):
                found.add(each)
    assert found == set(METHODS)
    assert len({method().name for method in METHODS}) == len(METHODS)


def test_an_unknown_method_is_a_key_error():
    with pytest.raises(KeyError):
        method_named("magic")


def test_lora_options_reach_peft():
    config = Lora(rank=4, alpha=12, dropout=0.25, layers="attention").peft_config(Situation())
    assert (config.r, config.lora_alpha, config.lora_dropout, config.task_type) == (4, 12, 0.25, "CAUSAL_LM")
    assert config.target_modules == LAYERS["attention"]


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("attention", {"q_proj", "k_proj", "v_proj", "o_proj"}),
        ("mlp", {"gate_proj", "up_proj", "down_proj"}),
        ("all-linear", {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}),
    ],
)
def test_the_chosen_layers_get_an_adapter_and_no_other(layers, expected, tiny_base):
    from peft import get_peft_model
    from transformers import LlamaForCausalLM

    model = get_peft_model(LlamaForCausalLM.from_pretrained(tiny_base), Lora(layers=layers).peft_config(Situation()))
    adapted = {name.split(".")[-4] for name, _ in model.named_parameters() if "lora_A" in name}
    assert adapted == expected


def test_only_qlora_stores_the_base_in_four_bits():
    import torch

    assert Lora().quantization(torch.float32) is None
    config = QLora(quant_type="fp4", double_quantization=False).quantization(torch.bfloat16)
    assert config.load_in_4bit
    assert (config.bnb_4bit_quant_type, config.bnb_4bit_use_double_quant) == ("fp4", False)
    assert config.bnb_4bit_compute_dtype is torch.bfloat16
    usual = QLora().quantization(torch.float32)
    assert (usual.bnb_4bit_quant_type, usual.bnb_4bit_use_double_quant) == ("nf4", True)
