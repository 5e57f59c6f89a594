"""LoRA+ and LoRA-FA against the papers' own update rules on one linear layer."""

from __future__ import annotations

import pytest
import torch
from peft.optimizers import create_lorafa_optimizer

from studio.recipe.methods.lora_optimisers import LoraFa, LoraPlus, correction
from tests.recipe.methods.one_layer import outer, put_on, step

RATE = 0.01


def weights(layer):
    return [each.detach().clone() for each in (layer.lora_A["default"].weight, layer.lora_B["default"].weight)]


@pytest.mark.parametrize("ratio", [1.0, 16.0])
def test_b_steps_ratio_times_as_far_as_its_gradient_alone_would_make_it(ratio):
    method = LoraPlus(rank=2, alpha=4, ratio=ratio)
    model, layer = put_on(method)
    a, b = weights(layer)
    gradient = outer(model)  # of the whole matrix; A's is sBᵀg and B's is sgAᵀ
    step(model, method, method.optimizer(model, torch.optim.SGD, {"lr": RATE}))
    moved_a, moved_b = weights(layer)
    assert torch.allclose(moved_a, a - RATE * 2.0 * b.T @ gradient, atol=1e-5)
    assert torch.allclose(moved_b, b - RATE * ratio * 2.0 * gradient @ a.T, atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "options"),
    [(torch.optim.AdamW, {"betas": (0.8, 0.9), "eps": 1e-6}), (torch.optim.RMSprop, {"momentum": 0.5})],
)
def test_any_optimiser_gets_its_options_and_the_weight_decay(kind, options):
    method = LoraPlus(rank=2, ratio=8.0)
    model, layer = put_on(method)
    optimizer = method.optimizer(model, kind, {"lr": RATE, "weight_decay": 0.1, **options})
    assert type(optimizer) is kind
    rates = {id(weight): group["lr"] for group in optimizer.param_groups for weight in group["params"]}
    assert rates == {id(layer.lora_A["default"].weight): RATE, id(layer.lora_B["default"].weight): 8 * RATE}
    for group in (group for group in optimizer.param_groups if group["params"]):
        assert group["weight_decay"] == 0.1
        assert {name: group[name] for name in options} == options


def test_lora_fa_moves_the_whole_matrix_as_near_to_its_own_gradient_as_a_allows():
    method = LoraFa(rank=3, alpha=6)
    model, layer = put_on(method)
    a, b = weights(layer)
    gradient = outer(model)
    step(model, method, torch.optim.SGD([w for w in model.parameters() if w.requires_grad], lr=RATE))
    moved_a, moved_b = weights(layer)
    assert torch.equal(moved_a, a)
    change = 2.0 * (moved_b - b) @ a
    onto_rows_of_a = a.T @ torch.linalg.inv(a @ a.T) @ a
    assert torch.allclose(change, -RATE * gradient @ onto_rows_of_a, atol=1e-5)
    assert torch.allclose(moved_b - b, -RATE / 2.0**2 * (2.0 * gradient @ a.T) @ torch.linalg.inv(a @ a.T), atol=1e-5)


def test_no_other_step_of_b_comes_nearer():
    torch.manual_seed(0)
    a, gradient, scaling = torch.randn(3, 6), torch.randn(5, 6), 1.5
    best = scaling * gradient @ a.T @ correction(a, scaling)

    def distance(step):
        return float((scaling * step @ a - gradient).norm())

    others = [best + 0.1 * torch.randn(5, 3) for _ in range(20)]
    assert all(distance(other) > distance(best) for other in others)


def test_a_rank_above_the_number_of_inputs_is_no_trouble():
    a = torch.randn(8, 6)
    assert correction(a, 1.0).isfinite().all()


def test_lora_fa_takes_the_step_of_pefts_own_optimiser_but_for_its_rounding_to_bfloat16():
    method = LoraFa(rank=3, alpha=6)
    model, layer = put_on(method)
    theirs, their_layer = put_on(method)
    their_optimizer = create_lorafa_optimizer(theirs, r=3, lora_alpha=6, lr=RATE)
    own = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(own, lr=RATE, eps=1e-6, weight_decay=0.0)
    before = weights(layer)[1]
    for number in range(3):
        step(model, method, optimizer, number)
        step(theirs, LoraPlus(rank=3), their_optimizer, number)  # a method without callbacks
    moved, their_moved = weights(layer)[1] - before, weights(their_layer)[1] - before
    assert moved.abs().min() > 0.001
    assert torch.allclose(moved, their_moved, rtol=0.05, atol=0.002)


def test_only_b_is_claimed_and_nothing_is_kept_for_a():
    model, layer = put_on(LoraFa(rank=3))
    assert [name for name, weight in model.named_parameters() if weight.requires_grad] == [
        "base_model.model.attn.q_proj.lora_B.default.weight"
    ]
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor):
        layer(torch.randn(7, 6, requires_grad=True))
    assert not any(tensor.shape == (7, 6) for tensor in kept)
