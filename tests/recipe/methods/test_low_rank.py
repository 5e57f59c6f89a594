"""LoRA and its close kin: options reach PEFT, and the layers chosen are the layers adapted, whatever their names."""

from __future__ import annotations

import pytest
import torch
from peft import get_peft_model
from transformers import BitsAndBytesConfig, DistilBertConfig, DistilBertForSequenceClassification

from studio.recipe.methods.low_rank import LAYERS, Dora, Lora, QLora, RsLora
from studio.recipe.methods.method import Situation
from tests.recipe.methods.one_layer import INPUTS, put_on
from tests.recipe.methods.tiny_models import bert, gpt2, llama, moving

LLAMA = ({"q_proj", "k_proj", "v_proj", "o_proj"}, {"gate_proj", "up_proj", "down_proj"})
GPT2 = ({"attn.c_attn", "attn.c_proj"}, {"mlp.c_fc", "mlp.c_proj"})
BERT = (
    {"attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"},
    {"0.intermediate.dense", "0.output.dense"},
)


def adapted(model, layers):
    """The names of the adapted layers of the first block, and of those outside of all blocks."""
    config = Lora(rank=2, layers=layers).peft_config(Situation(None, model=model))
    names = {
        name.partition(".lora_A")[0] for name, _ in get_peft_model(model, config).named_parameters() if "A" in name
    }
    return {name for name in names if ".0." in name}


def test_lora_options_reach_peft():
    config = Lora(rank=4, alpha=12, dropout=0.25, layers="attention").peft_config(Situation())
    assert (config.r, config.lora_alpha, config.lora_dropout, config.task_type) == (4, 12, 0.25, "CAUSAL_LM")
    assert config.target_modules == LAYERS["attention"]
    assert (config.use_rslora, config.use_dora) == (False, False)


@pytest.mark.parametrize(("make", "names"), [(llama, LLAMA), (gpt2, GPT2), (bert, BERT)])
@pytest.mark.parametrize("layers", ["attention", "mlp", "all-linear"])
def test_the_chosen_layers_get_an_adapter_and_no_other(make, names, layers):
    attention, mlp = names
    expected = {"attention": attention, "mlp": mlp, "all-linear": attention | mlp}[layers]
    found = adapted(make(), layers)
    assert len(found) == len(expected)
    assert all(any(name.endswith(end) for name in found) for end in expected)


@pytest.mark.parametrize("make", [llama, gpt2, bert])
def test_a_new_head_is_trained_whole_and_takes_no_adapter(make):
    model = make(classes=3)
    tuned = get_peft_model(model, Lora(rank=2).peft_config(Situation("SEQ_CLS", model=model)))
    heads = {name for name in moving(tuned) if "lora_" not in name}
    assert heads
    assert all(name.startswith(("score.modules_to_save", "classifier.modules_to_save")) for name in heads)


def test_a_head_of_two_parts_is_trained_whole():
    model = DistilBertForSequenceClassification(
        DistilBertConfig(vocab_size=259, dim=32, hidden_dim=64, n_layers=1, n_heads=4)
    )
    tuned = get_peft_model(model, Lora(rank=2).peft_config(Situation("SEQ_CLS", model=model)))
    heads = {name for name in moving(tuned) if "lora_" not in name}
    assert {name.partition(".")[0] for name in heads} == {"classifier", "pre_classifier"}
    assert not any("lora_" in name for name in moving(tuned) if "classifier" in name)


@pytest.mark.parametrize(("method", "scaling"), [(Lora(rank=16, alpha=8), 0.5), (RsLora(rank=16, alpha=8), 2.0)])
def test_lora_is_scaled_by_the_rank_and_rslora_by_its_root(method, scaling):
    model, layer = put_on(method)
    a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    expected = INPUTS @ layer.base_layer.weight.T + scaling * INPUTS @ a.T @ b.T
    assert torch.allclose(model(INPUTS), expected, atol=1e-6)


def test_dora_scales_each_row_of_the_turned_matrix_to_a_learned_length():
    model, layer = put_on(Dora(rank=2, alpha=4))
    magnitude = layer.lora_magnitude_vector["default"].weight
    with torch.no_grad():
        magnitude += torch.arange(5) / 10
    turned = layer.base_layer.weight + 2.0 * layer.lora_B["default"].weight @ layer.lora_A["default"].weight
    weight = magnitude[:, None] * turned / turned.norm(dim=1, keepdim=True)  # equation 5 of the paper
    assert torch.allclose(model(INPUTS), INPUTS @ weight.T, atol=1e-5)
    assert magnitude.requires_grad


def test_only_qlora_stores_the_base_in_few_bits():
    assert Lora().quantization(torch.float32) is None
    assert Lora().weight_bytes() is None
    config = QLora(quant_type="fp4", double_quantization=False).quantization(torch.bfloat16)
    assert config.load_in_4bit
    assert (config.bnb_4bit_quant_type, config.bnb_4bit_use_double_quant) == ("fp4", False)
    assert config.bnb_4bit_compute_dtype is torch.bfloat16
    usual = QLora().quantization(torch.float32)
    assert (usual.bnb_4bit_quant_type, usual.bnb_4bit_use_double_quant) == ("nf4", True)
    whole = QLora(quant_type="int8").quantization(torch.float32)
    assert isinstance(whole, BitsAndBytesConfig)
    assert (whole.load_in_8bit, whole.load_in_4bit) == (True, False)


@pytest.mark.parametrize("double", [True, False])
def test_a_weight_takes_the_bytes_that_are_said(double):
    from bitsandbytes.functional import quantize_4bit

    packed, state = quantize_4bit(torch.randn(512, 1024), quant_type="nf4", compress_statistics=double)
    taken = packed.nbytes + state.absmax.nbytes + (state.state2.absmax.nbytes if double else 0)
    assert QLora(double_quantization=double).weight_bytes() == pytest.approx(taken / (512 * 1024), rel=0.001)
