"""Following a recipe without its weights gives what the real model has and holds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import LlamaConfig

from studio.recipe.methods.method import Situation
from studio.run.base import load_model
from studio.run.forecast import trace as traced_by
from studio.run.forecast.trace import Size, count, trace
from studio.run.forecast.unloaded import unloaded
from studio.run.train import precision_of
from studio.run.tune import counted, put_on
from tests.tiny_run import make_tokenizer, one_thread

SMALL = Size(batch=2, length=32, held_out=True)


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


@pytest.fixture(scope="module")
def deep_settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of nine layers of which there is nothing but its settings and its tokenizer."""
    folder = tmp_path_factory.mktemp("models") / "deep"
    LlamaConfig(
        vocab_size=300,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=9,
        num_attention_heads=2,
        architectures=["LlamaForCausalLM"],
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    ).save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return folder


@pytest.mark.parametrize("method", ["lora", "full", "vera", "prompt-tuning", "ia3", "qlora"])
def test_counts_are_those_of_the_real_model(method, make_recipe, tiny_base):
    recipe = make_recipe({"method.name": method})
    precision = precision_of(recipe)
    base = load_model(tiny_base, precision, recipe.method.quantization(precision.compute))
    real = put_on(base, recipe, Situation(recipe.task.peft_type, 1000, str(tiny_base)))
    found = count(recipe, tiny_base)
    assert (found.trainable, found.parameters) == counted(real)
    assert 0 < found.trainable <= found.parameters


def test_what_is_stored_is_what_the_file_holds(make_recipe, tiny_base, tmp_path):
    recipe = make_recipe()
    model = put_on(load_model(tiny_base, precision_of(recipe)), recipe, Situation())
    model.save_pretrained(tmp_path)
    weights = load_file(tmp_path / "adapter_model.safetensors")
    assert count(recipe, tiny_base).stored == sum(weight.nbytes for weight in weights.values())


def test_a_step_is_followed_without_any_weights(make_recipe, tiny_base, tmp_path):
    folder = tmp_path / "base"
    shutil.copytree(tiny_base, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    assert trace(make_recipe(), folder, SMALL).moments == trace(make_recipe(), tiny_base, SMALL).moments


def test_outside_the_block_models_are_loaded_as_ever(make_recipe, tiny_base):
    with unloaded():
        fake = load_model(tiny_base, precision_of(make_recipe()))
    real = load_model(tiny_base, precision_of(make_recipe()))
    assert type(next(fake.parameters()).data) is not torch.Tensor
    assert type(next(real.parameters()).data) is torch.Tensor


def test_a_deep_model_is_told_from_a_few_of_its_layers(make_recipe, deep_settings, monkeypatch):
    recipe = make_recipe({"method.name": "full"})
    few = trace(recipe, deep_settings, SMALL)
    monkeypatch.setattr(traced_by, "WHOLE", 99)
    whole = trace(recipe, deep_settings, SMALL)
    assert (few.trainable, few.parameters, few.stored) == (whole.trainable, whole.parameters, whole.stored)
    assert few.peak.total() == pytest.approx(whole.peak.total(), rel=0.005)
    assert few.flops.total() == pytest.approx(whole.flops.total(), rel=0.005)


def test_parts_answer_to_the_options(make_recipe, tiny_base):
    def parts(**options):
        changes = {f"training.{name}": value for name, value in options.items()}
        return trace(make_recipe({"method.name": "full", **changes}), tiny_base, SMALL)

    adam, sgd = parts(optimizer="adamw"), parts(optimizer="sgd", momentum=0.0)
    weights = 4 * adam.trainable
    assert adam.moments["update"]["gradients"] == pytest.approx(weights, rel=0.02)
    assert adam.moments["update"]["optimiser"] == pytest.approx(2 * weights, rel=0.02)
    assert sgd.moments["update"]["optimiser"] < 0.1 * weights
    spared = parts(gradient_checkpointing=True)
    assert spared.moments["forward"]["activations"] < 0.8 * adam.moments["forward"]["activations"]


def test_more_rows_take_more(make_recipe, tiny_base):
    small, large = (trace(make_recipe(), tiny_base, Size(batch, 32, False)) for batch in (2, 4))
    assert large.peak["activations"] > 1.5 * small.peak["activations"]
    assert large.flops.total() == pytest.approx(2 * small.flops.total(), rel=0.01)
    assert large.peak["weights"] == small.peak["weights"]


def test_two_answers_a_row_are_twice_the_work_and_no_second_model(make_recipe, tiny_base):
    plain, pairs = (
        trace(make_recipe(changes), tiny_base, SMALL)
        for changes in ({}, {"task.name": "direct-preference", "task.sft_share": 0.2})
    )
    assert pairs.flops.total() == pytest.approx(2 * plain.flops.total(), rel=0.15)
    assert pairs.peak["weights"] == plain.peak["weights"]
    assert pairs.peak["activations"] > 1.5 * plain.peak["activations"]
    assert set(pairs.moments) == set(plain.moments)
