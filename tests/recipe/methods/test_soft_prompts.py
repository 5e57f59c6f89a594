"""Soft prompts: options reach PEFT, nothing of the base moves, and texts start the virtual tokens."""

from __future__ import annotations

import pytest
import torch
from peft import get_peft_model

from studio.errors import StudioError
from studio.recipe.methods.method import Situation
from studio.recipe.methods.soft_prompts import PrefixTuning, PromptTuning, PTuning
from tests.recipe.methods.tiny_models import bert, gpt2, llama, loss_of, moving
from tests.tiny_run import make_tokenizer

PROMPT = "prompt_encoder.default"


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("tokenizer")
    make_tokenizer().save_pretrained(folder)
    return str(folder)


def put_on(method, model, task="CAUSAL_LM", tokenizer=""):
    return get_peft_model(model, method.peft_config(Situation(task, 1, tokenizer, model)))


@pytest.mark.parametrize("make", [llama, gpt2])
@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (PromptTuning(virtual_tokens=7), {f"{PROMPT}.embedding.weight"}),
        (PrefixTuning(virtual_tokens=7, projection=False), {f"{PROMPT}.embedding.weight"}),
        (
            PrefixTuning(virtual_tokens=7, projection_width=8),
            {f"{PROMPT}.embedding.weight"}
            | {f"{PROMPT}.transform.{n}.{kind}" for n in (0, 2) for kind in ("weight", "bias")},
        ),
        (
            PTuning(virtual_tokens=7, encoder_width=8),
            {f"{PROMPT}.embedding.weight"}
            | {f"{PROMPT}.mlp_head.{n}.{kind}" for n in (0, 2, 4) for kind in ("weight", "bias")},
        ),
    ],
    ids=["prompt", "prefix", "prefix projected", "p"],
)
def test_exactly_the_prompt_moves(make, method, expected):
    tuned = put_on(method, make())
    assert moving(tuned) == expected
    assert tuned.prompt_encoder["default"].embedding.num_embeddings == 7
    loss_of(tuned).backward()
    assert any(weight.grad.any() for weight in tuned.parameters() if weight.requires_grad)


@pytest.mark.parametrize("make", [llama, gpt2, bert])
@pytest.mark.parametrize(
    "method", [PromptTuning(), PTuning(encoder_width=8), PTuning(encoder="lstm", encoder_width=8), PrefixTuning()]
)
def test_a_classifier_learns_its_new_head_too(make, method):
    tuned = put_on(method, make(3), "SEQ_CLS")
    loss_of(tuned, classes=True).backward()
    heads = [name for name in moving(tuned) if "score" in name or "classifier" in name]
    assert heads
    assert all(tuned.get_parameter(f"{PROMPT}.embedding.weight").grad.any(dim=-1))


def test_a_text_is_what_the_prompt_starts_from(tokenizer):
    model = llama()
    tuned = put_on(PromptTuning(virtual_tokens=7, start="text", text="hey"), model, tokenizer=tokenizer)
    ids = make_tokenizer()("hey")["input_ids"]
    expected = model.get_input_embeddings().weight[torch.tensor((ids * 7)[:7])]
    assert torch.equal(tuned.prompt_encoder["default"].embedding.weight, expected)


def test_the_vocabulary_is_where_the_prompt_starts_from():
    model = llama()
    prompt = put_on(PromptTuning(virtual_tokens=7), model).prompt_encoder["default"].embedding.weight
    table = model.get_input_embeddings().weight
    assert all((table == row).all(dim=1).any() for row in prompt)


def test_random_numbers_are_no_words():
    model = llama()
    prompt = put_on(PromptTuning(virtual_tokens=7, start="random"), model).prompt_encoder["default"].embedding.weight
    assert not any((model.get_input_embeddings().weight == row).all(dim=1).any() for row in prompt)


def test_an_empty_text_is_refused_with_words(tokenizer):
    with pytest.raises(StudioError, match=r"start text is empty.*Write one"):
        PromptTuning(start="text", text=" ").peft_config(Situation(tokenizer=tokenizer))


def test_a_prefix_starts_from_zeros_or_from_random_numbers():
    zeros, numbers = (put_on(PrefixTuning(start=start, projection=False), llama()) for start in ("zero", "random"))
    assert not zeros.prompt_encoder["default"].embedding.weight.any()
    assert numbers.prompt_encoder["default"].embedding.weight.all()


def test_options_of_the_encoders_reach_peft():
    config = PTuning(virtual_tokens=3, encoder="lstm", encoder_width=16).peft_config(Situation("SEQ_CLS"))
    assert (config.num_virtual_tokens, config.encoder_reparameterization_type, config.encoder_hidden_size) == (
        3,
        "LSTM",
        16,
    )
    assert config.task_type == "SEQ_CLS"


def test_what_they_cannot_do_is_said():
    assert not PrefixTuning.works_with_checkpointing
    assert all("masked-language-modeling" not in each.tasks for each in (PromptTuning, PTuning, PrefixTuning))
