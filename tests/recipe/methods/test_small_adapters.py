"""Small adapters: options reach PEFT, stand where they should in models of every family, and refuse with words."""

from __future__ import annotations

import math

import pytest
import torch
from peft import get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from studio.errors import StudioError
from studio.recipe.methods import small_adapters
from studio.recipe.methods.method import Situation
from studio.recipe.methods.small_adapters import IA3, Boft, Oft, Peanut, TrainableTokens
from tests.recipe.methods.tiny_models import bert, gpt2, llama, loss_of, moving
from tests.tiny_run import make_tokenizer

LINEAR = {*(f"self_attn.{name}_proj" for name in "qkvo"), *(f"mlp.{name}_proj" for name in ("gate", "up", "down"))}
WIDTHS = {  # hidden and inner width of real models
    "starter": (192, 512),
    "Qwen2.5-0.5B": (896, 4864),
    "Qwen2.5-3B": (2048, 11008),
    "Llama-3.2-3B": (3072, 8192),
    "SmolLM2-135M": (576, 1536),
}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("tokenizer")
    make_tokenizer().save_pretrained(folder)
    return str(folder)


def put_on(method, model, task="CAUSAL_LM", tokenizer=""):
    tuned = get_peft_model(model, method.peft_config(Situation(task, 1, tokenizer, model)))
    method.choose(tuned)
    return tuned


def places(model, mark: str) -> set[str]:
    """Where the first layer has an adapter."""
    names = {name.split(f".{mark}")[0] for name in moving(model) if mark in name}
    return {name.split(".0.", 1)[1] for name in names if ".0." in name}


@pytest.mark.parametrize(
    ("model", "task", "scaled_after", "scaled_before"),
    [
        (llama(), "CAUSAL_LM", {"self_attn.k_proj", "self_attn.v_proj"}, {"mlp.down_proj"}),
        (gpt2(), "CAUSAL_LM", {"attn.c_attn"}, {"mlp.c_proj"}),
        (bert(3), "SEQ_CLS", {"attention.self.key", "attention.self.value"}, {"output.dense"}),
        (bert(), None, {"attention.self.key", "attention.self.value"}, {"output.dense"}),
    ],
    ids=["llama", "gpt2", "bert classes", "bert"],
)
def test_ia3_scales_keys_and_values_and_what_enters_the_way_back_from_the_mlp(model, task, scaled_after, scaled_before):
    tuned = put_on(IA3(), model, task)
    assert places(tuned, "ia3_l") == scaled_after | scaled_before
    layers = [module for module in tuned.modules() if hasattr(module, "is_feedforward")]
    names = {name.rsplit(".0.", 1)[-1] for name, each in tuned.named_modules() if getattr(each, "is_feedforward", 0)}
    assert len(layers) == 3 * len(scaled_after | scaled_before)
    assert {name for name in names if "." in name and "1." not in name and "2." not in name} >= scaled_before


def test_ia3_everywhere():
    tuned = put_on(IA3(places="all-linear"), llama())
    assert places(tuned, "ia3_l") == LINEAR
    assert not any(getattr(module, "is_feedforward", False) for module in tuned.modules())


def test_ia3_on_an_architecture_with_other_names_says_what_to_do():
    class Other(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.strange = torch.nn.Linear(4, 4)

        def get_output_embeddings(self) -> None:
            return None

    with pytest.raises(StudioError, match=r"names that IA3.*Set the places to all-linear"):
        IA3().peft_config(Situation(model=Other()))


@pytest.mark.parametrize("method", [Oft(block_size=8), Boft(block_size=4), Peanut(width=4)])
@pytest.mark.parametrize(("layers", "part"), [("all-linear", ""), ("attention", "self_attn"), ("mlp", "mlp")])
def test_the_chosen_layers_get_an_adapter_and_no_other(method, layers, part):
    method = method.model_copy(update={"layers": layers})
    tuned = put_on(method, llama())
    marks = {"oft": "oft_R", "boft": "boft_", "peanut": "peanut_"}
    assert places(tuned, marks[method.name]) == {name for name in LINEAR if name.startswith(part)}
    assert all(marks[method.name] in name for name in moving(tuned))
    loss_of(tuned).backward()


@pytest.mark.parametrize("method", [Oft(), Boft(), Peanut()])
@pytest.mark.parametrize(("make", "classes"), [(llama, 3), (bert, 3), (bert, 0)])
def test_they_stand_in_classifiers_and_encoders(method, make, classes):
    tuned = put_on(method, make(classes), "SEQ_CLS" if classes else None)
    loss_of(tuned, classes=bool(classes)).backward()
    heads = {name for name in moving(tuned) if "modules_to_save" in name}
    assert bool(heads) == bool(classes)


@pytest.mark.parametrize("method", [Oft(), Boft(), Peanut()])
def test_layers_of_gpt2s_kind_are_refused_with_words(method):
    with pytest.raises(StudioError, match=r"GPT-2's kind.*Choose LoRA or IA3"):
        method.peft_config(Situation(model=gpt2()))


@pytest.mark.parametrize(("hidden", "inner"), WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize("size", [2, 6, 8, 30, 32, 100])
def test_blocks_divide_the_widths_of_real_models_whatever_is_asked_for(hidden, inner, size):
    with torch.device("meta"):
        config = LlamaConfig(
            vocab_size=8, hidden_size=hidden, intermediate_size=inner, num_hidden_layers=1, num_attention_heads=1
        )
        model = LlamaForCausalLM(config)
    chosen = Boft(block_size=size).peft_config(Situation(model=model)).boft_block_size
    assert 2 <= chosen <= size
    assert math.gcd(hidden, inner) % chosen == 0
    assert not any(math.gcd(hidden, inner) % larger == 0 for larger in range(chosen + 2, size + 1, 2))
    tuned = get_peft_model(model, Oft(block_size=size).peft_config(Situation(model=model)))
    rotated = [module for module in tuned.modules() if hasattr(module, "oft_block_size")]
    assert len(rotated) == 7
    assert all(module.in_features % module.oft_block_size["default"] == 0 for module in rotated)


def test_no_block_fits_odd_widths():
    model = torch.nn.Sequential(torch.nn.Linear(9, 9))
    model.get_output_embeddings = lambda: None
    with pytest.raises(StudioError, match="choose OFT"):
        Boft().peft_config(Situation(model=model))


def test_more_butterflies_than_the_machine_can_do_are_refused_with_words(monkeypatch):
    monkeypatch.setattr(small_adapters, "_has_butterflies", lambda: False)
    with pytest.raises(StudioError, match=r"factors to 3.*Set the factors to 1"):
        Boft(factors=3).peft_config(Situation())
    monkeypatch.setattr(small_adapters, "_has_butterflies", lambda: True)
    assert Boft(factors=3).peft_config(Situation(model=llama())).boft_n_butterfly_factor == 3


def test_only_the_tokens_of_the_text_move_and_a_tied_head_says_them_too(tokenizer):
    model = llama(tie_word_embeddings=True)
    before = model.get_input_embeddings().weight.detach().clone()
    tuned = put_on(TrainableTokens(text="abba"), model, tokenizer=tokenizer)
    tokens = sorted(set(make_tokenizer()("abba", add_special_tokens=False)["input_ids"]))
    assert len(tokens) == 2
    assert moving(tuned) == {"model.embed_tokens.trainable_tokens_delta.default"}
    with torch.no_grad():
        tuned.get_parameter("base_model.model.model.embed_tokens.trainable_tokens_delta.default").add_(1.0)
    head = tuned.get_base_model().get_output_embeddings().weight
    changed = (head != before).any(dim=1).nonzero().flatten().tolist()
    assert changed == tokens
    loss_of(tuned).backward()
    assert "lm_head.weight" not in {name.split("model.")[-1] for name in moving(tuned)}


def test_a_tied_head_answers_as_pefts_own(tokenizer):
    model = llama(tie_word_embeddings=True).eval()
    method = TrainableTokens(text="abba")
    tuned = get_peft_model(model, method.peft_config(Situation("CAUSAL_LM", 1, tokenizer, model)))
    with torch.no_grad():
        tuned.get_parameter("base_model.model.model.embed_tokens.trainable_tokens_delta.default").add_(0.5)
        expected = tuned(input_ids=torch.arange(60, 100)[None]).logits
        method.choose(tuned)
        assert torch.equal(tuned(input_ids=torch.arange(60, 100)[None]).logits, expected)


def test_a_head_of_its_own_stays(tokenizer):
    tuned = put_on(TrainableTokens(text="ab"), llama(), tokenizer=tokenizer)
    assert type(tuned.get_base_model().get_output_embeddings()) is torch.nn.Linear


def test_without_a_text_the_marks_of_the_template_move(tokenizer):
    tuned = put_on(TrainableTokens(), gpt2(), tokenizer=tokenizer)
    words = set(make_tokenizer()("user\nassistant\n", add_special_tokens=False)["input_ids"])
    assert set(tuned.peft_config["default"].token_indices) == words | {0, 1, 2}


def test_tokens_beyond_the_embeddings_are_left_out(tokenizer):
    model = llama(vocab_size=40)
    config = TrainableTokens().peft_config(Situation("CAUSAL_LM", 1, tokenizer, model))
    assert config.token_indices
    assert max(config.token_indices) < 40


def test_peanut_is_a_bottleneck_with_a_bend():
    config = Peanut(width=4, depth=2, activation="gelu", scale=0.5).peft_config(Situation("SEQ_CLS"))
    assert (config.r, config.depth, config.act_fn, config.scaling, config.task_type) == (4, 2, "gelu", 0.5, "SEQ_CLS")
    shapes = {
        name.split("mlp.down_proj.")[1]: tuple(weight.shape)
        for name, weight in put_on(Peanut(width=4), llama()).named_parameters()
        if "layers.0.mlp.down_proj.peanut" in name
    }
    assert shapes == {"peanut_A.default.weight": (4, 32), "peanut_B.default.weight": (32, 4)}


def test_options_of_oft_reach_peft():
    config = Oft(block_size=16, dropout=0.25, layers="mlp").peft_config(Situation("SEQ_CLS"))
    assert (config.oft_block_size, config.module_dropout, config.task_type) == (16, 0.25, "SEQ_CLS")
    config = Boft(block_size=4, dropout=0.25).peft_config(Situation(None))
    assert (config.boft_block_size, config.boft_dropout, config.task_type) == (4, 0.25, None)
