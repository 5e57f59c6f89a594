import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from studio.answer.loaded import Loaded
from studio.answer.skeleton import for_a_pass, skeleton
from studio.answer.wanted import Learned
from studio.recipe.methods.low_rank import QLora
from studio.run.base import choose_precision, load_model
from tests.answer.results import logits
from tests.tiny_run import TARGETS

FULL, NF4, INT8 = None, "nf4", "int8"


def model_of(base, kind):
    quantization = QLora(quant_type=kind).quantization(torch.float32) if kind else None
    return load_model(base, choose_precision("float32"), quantization).eval()


def storages(model):
    """Where the numbers of a model lie, quantized ones and their scales too."""
    found = {each.data_ptr() for each in [*model.parameters(), *model.buffers()]}
    for module in model.modules():
        state, quantized = getattr(module, "state", None), getattr(getattr(module, "weight", None), "quant_state", None)
        scales = [getattr(state, "CB", None), getattr(state, "SCB", None), getattr(quantized, "absmax", None)]
        found |= {each.data_ptr() for each in scales if each is not None}
    return found


@pytest.mark.parametrize("kind", [FULL, NF4, INT8])
@pytest.mark.parametrize("asked_before", [False, True])
def test_no_tensor_is_copied_and_both_say_the_same(kind, asked_before, base):
    model = model_of(base, kind)
    expected = logits(model) if asked_before else None
    copies = [skeleton(model), skeleton(model)]
    copies.append(skeleton(copies[0]))
    said = [logits(each) for each in (*copies, model, *copies)]
    assert all(torch.equal(each, said[0] if expected is None else expected) for each in said)
    assert all(storages(each) == storages(model) for each in copies)
    modules = {id(module) for module in model.modules()}
    assert not modules & {id(module) for each in copies for module in each.modules()}


@pytest.mark.parametrize("kind", [FULL, NF4, INT8])
def test_an_adapter_on_one_leaves_the_others_untouched(kind, base):
    model = model_of(base, kind)
    before, other = logits(model), skeleton(model)
    tuned = get_peft_model(skeleton(model), LoraConfig(target_modules=TARGETS, init_lora_weights=False)).eval()
    assert not torch.equal(logits(tuned), before)
    assert torch.equal(logits(model), before)
    assert torch.equal(logits(other), before)
    assert not any("lora" in name for name, _ in [*model.named_modules(), *other.named_modules()])
    assert storages(model) <= storages(tuned)
    again = skeleton(tuned)
    assert torch.equal(logits(again), logits(tuned))
    assert storages(again) == storages(tuned)


def test_tied_weights_stay_tied_and_those_of_its_own_can_be_written_into():
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=50, tie_word_embeddings=True, attention_bias=True, **sizes)).eval()
    before = logits(model, range(20))
    copied = skeleton(model, own=lambda name: name.endswith("bias") or "embed" in name)
    assert copied.lm_head.weight is copied.model.embed_tokens.weight
    assert copied.lm_head.weight is not model.lm_head.weight
    with torch.no_grad():
        copied.lm_head.weight.zero_()
        for name, weight in copied.named_parameters():
            assert (weight.data_ptr() in storages(model)) is not (name.endswith("bias") or "embed" in name)
            if name.endswith("bias"):
                weight.fill_(9.0)
    assert torch.equal(logits(model, range(20)), before)


def test_passes_leave_no_traces_for_each_other(base):
    """PEFT's hooks name the rows of one pass while another one, begun before, is at its next token."""
    model = get_peft_model(model_of(base, FULL), LoraConfig(target_modules=TARGETS, init_lora_weights=False)).eval()
    tuned, other = logits(model), for_a_pass(model)
    with other._enable_peft_forward_hooks(adapter_names=["__base__"]):
        of_base = other.base_model.model(torch.tensor([list(range(3, 60))])).logits
        assert torch.equal(logits(for_a_pass(model)), tuned)
        assert torch.equal(logits(model), tuned)
    assert not torch.equal(of_base, tuned)
    assert storages(other) == storages(model)


def test_a_pass_goes_on_when_its_adapter_is_let_go_of(base, result_of):
    loaded = Loaded(model_of(base, FULL), base)
    runs = [result_of("lora"), result_of("rslora")]
    of = [Learned(run, run.adapter, 0, is_checkpoint=False) for run in runs]
    first, second = (loaded.bring(each, 1.0, ()) for each in of)
    trees = [loaded.tree(each.name) for each in (first, second)]
    said = [logits(tree) for tree in trees]
    loaded._forget(first.name)
    again = [*trees, loaded.tree(second.name)]
    assert all(torch.equal(logits(tree), each) for tree, each in zip(again, [*said, said[1]], strict=True))
    assert list(again[2].peft_config) == [second.name]
