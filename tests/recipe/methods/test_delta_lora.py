"""Delta-LoRA against the paper's own rule, computed by hand, and through a stop."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers.pytorch_utils import Conv1D

from studio.errors import StudioError
from studio.recipe.methods.delta_lora import DeltaLora
from studio.recipe.methods.method import Situation
from tests.recipe.methods.tiny_models import gpt2, llama, loss_of, moving

SCALE, RANK, ALPHA, RATE = 2.0, 2, 6, 0.01
INPUTS = torch.linspace(-1, 1, 12).reshape(3, 4)
WANTED = torch.linspace(1, -1, 15).reshape(3, 5)


class One(torch.nn.Module):
    """One linear layer and one that gets no adapter."""

    def __init__(self, kind: str = "linear") -> None:
        super().__init__()
        torch.manual_seed(0)
        self.adapted = torch.nn.Linear(4, 5, bias=False) if kind == "linear" else Conv1D(5, 4)
        self.other = torch.nn.Linear(5, 5, bias=False)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.other(self.adapted(inputs))


def put_on(base, **options):
    config = LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=["adapted"], **options)
    return get_peft_model(base, config)


def step(model, callback, optimizer, number):
    """One optimiser step as the trainer does it: `number` steps were done before."""
    state = SimpleNamespace(global_step=number)
    ((model(INPUTS) - WANTED) ** 2).sum().backward()
    callback.on_pre_optimizer_step(None, state, None, model=model)
    optimizer.step()
    callback.on_optimizer_step(None, state, None, model=model)
    optimizer.zero_grad()


def sgd(model):
    return torch.optim.SGD([weight for weight in model.parameters() if weight.requires_grad], lr=RATE)


def by_hand(steps: int, start: int) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """(W, A, B) after each step, by the algorithm of the paper with gradients written out and plain descent."""
    model = put_on(One())
    layer = model.base_model.model.adapted
    w, other = layer.base_layer.weight.detach().double(), model.base_model.model.other.weight.detach().double()
    a, b = layer.lora_A["default"].weight.detach().double(), layer.lora_B["default"].weight.detach().double()
    x, y, loud = INPUTS.double(), WANTED.double(), ALPHA / RANK
    story = []
    for t in range(steps):
        error = 2 * (x @ (w + loud * b @ a).T @ other.T - y)
        gradient = (error @ other).T @ x  # of the loss by W + (α/r)BA
        new_a, new_b = a - RATE * loud * b.T @ gradient, b - RATE * loud * gradient @ a.T
        if t > start:
            w = w + SCALE * loud * (new_b @ new_a - b @ a)
        a, b = new_a, new_b
        story.append((w, a, b))
    return story


@pytest.mark.parametrize("start", [0, 2])
def test_each_step_follows_the_papers_rule(start):
    model = put_on(One())
    layer = model.base_model.model.adapted
    (callback,) = DeltaLora(scale=SCALE, start_step=start, rank=RANK, alpha=ALPHA).callbacks()
    optimizer = sgd(model)
    before = layer.base_layer.weight.detach().clone()
    for number, (w, a, b) in enumerate(by_hand(5, start)):
        step(model, callback, optimizer, number)
        assert torch.allclose(layer.base_layer.weight.double(), w, atol=1e-5)
        assert torch.allclose(layer.lora_A["default"].weight.double(), a, atol=1e-5)
        assert torch.allclose(layer.lora_B["default"].weight.double(), b, atol=1e-5)
        assert torch.equal(layer.base_layer.weight, before) == (number <= start)
    assert (layer.base_layer.weight - before).abs().max() > 0.01


def test_only_a_weight_with_an_adapter_moves_and_none_asks_for_gradients():
    model = put_on(One())
    (callback,) = DeltaLora().callbacks()
    other = model.base_model.model.other.weight.detach().clone()
    for number in range(3):
        step(model, callback, sgd(model), number)
    assert torch.equal(model.base_model.model.other.weight, other)
    assert not model.base_model.model.adapted.base_layer.weight.requires_grad
    assert moving(model) == {"adapted.lora_A.default.weight", "adapted.lora_B.default.weight"}


def test_a_weight_that_is_stored_the_other_way_round_moves_alike():
    linear, turned = One(), One("conv1d")
    with torch.no_grad():
        turned.adapted.weight.copy_(linear.adapted.weight.T)
        turned.other.weight.copy_(linear.other.weight)
    models = [put_on(linear), put_on(turned, fan_in_fan_out=True)]
    models[1].load_state_dict({k: v for k, v in models[0].state_dict().items() if "lora_" in k}, strict=False)
    for model in models:
        (callback,) = DeltaLora(scale=SCALE).callbacks()
        optimizer = sgd(model)
        for number in range(3):
            step(model, callback, optimizer, number)
    weights = [model.base_model.model.adapted.base_layer.weight for model in models]
    assert torch.allclose(weights[0], weights[1].T, atol=1e-6)


def test_a_step_that_the_optimiser_left_out_moves_nothing():
    model = put_on(One())
    before = copy.deepcopy(model.state_dict())
    (callback,) = DeltaLora().callbacks()
    state = SimpleNamespace(global_step=5)
    callback.on_pre_optimizer_step(None, state, None, model=model)
    callback.on_optimizer_step(None, state, None, model=model)
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())


def test_stopped_and_gone_on_with_is_bit_for_bit_the_straight_way():
    method = DeltaLora(scale=SCALE, start_step=1, rank=RANK, alpha=ALPHA)
    straight, first = put_on(One()), put_on(One())
    for model, steps in ((straight, range(6)), (first, range(3))):
        (callback,) = method.callbacks()
        optimizer = sgd(model)
        for number in steps:
            step(model, callback, optimizer, number)
    kept = {name: value.clone() for name, value in method.state(first).items()}
    assert kept.keys() == {"base_model.model.adapted.base_layer.weight"}
    second = put_on(One())
    second.load_state_dict({k: v for k, v in first.state_dict().items() if "lora_" in k}, strict=False)
    method.restore(second, kept)
    (callback,) = method.callbacks()
    optimizer = sgd(second)
    for number in range(3, 6):
        step(second, callback, optimizer, number)
    expected = straight.state_dict()
    assert all(torch.equal(weight, expected[name]) for name, weight in second.state_dict().items())


def test_what_belongs_to_another_recipe_is_not_put_back():
    with pytest.raises(StudioError, match="another recipe"):
        DeltaLora().restore(put_on(One()), {"elsewhere.base_layer.weight": torch.zeros(1)})


@pytest.mark.parametrize("make", [llama, gpt2])
def test_the_result_is_a_whole_model_that_answers_as_the_trained_one(make):
    method = DeltaLora(rank=2, layers="attention")
    model = make().eval()
    tuned = get_peft_model(model, method.peft_config(Situation(model=model)))
    with torch.no_grad():
        for name, weight in tuned.named_parameters():
            if "lora_B" in name:
                weight.normal_()
        trained = loss_of(tuned)
        names = {name for name, _ in make().named_parameters()}
        whole = method.result(tuned)
        assert torch.allclose(loss_of(whole), trained, rtol=1e-5)
    assert {name for name, _ in whole.named_parameters()} == names


def test_options_reach_peft_and_there_is_no_dropout():
    config = DeltaLora(rank=4, alpha=12, layers="attention").peft_config(Situation("SEQ_CLS"))
    assert (config.r, config.lora_alpha, config.lora_dropout, config.task_type) == (4, 12, 0.0, "SEQ_CLS")
    assert "dropout" not in DeltaLora.model_fields
    assert DeltaLora.trains_base  # over bfloat16 the differences would be lost
