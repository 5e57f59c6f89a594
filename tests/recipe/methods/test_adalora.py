"""AdaLoRA: ranks fall to what was asked for, at the right steps; a stopped run goes on as it was."""

from __future__ import annotations

import copy

import pytest
import torch
from peft import PeftModel, get_peft_model

from studio.recipe.methods.adalora import AdaLora, overlap
from studio.recipe.methods.method import Situation
from tests.recipe.methods.one_layer import put_on, step
from tests.recipe.methods.tiny_models import llama, loss_of

STEPS = 20
METHOD = AdaLora(rank=2, surplus=2.0, warm_share=0.2, final_share=0.3, alpha=8)
IDS = torch.arange(3, 13)[None]


class Training:
    """Steps of a tiny Llama under AdaLoRA, one by one, as the trainer does them."""

    def __init__(self, method=METHOD):
        torch.manual_seed(0)
        self.method = method
        self.model = get_peft_model(llama(num_hidden_layers=1), method.peft_config(Situation(steps=STEPS)))
        self.callbacks = method.callbacks()
        self.optimizer = torch.optim.AdamW([w for w in self.model.parameters() if w.requires_grad], lr=0.02)
        self.done = 0

    def go(self, steps):
        losses = []
        for _ in range(steps):
            state = type("State", (), {"global_step": self.done})
            loss = loss_of(self.model)
            loss.backward()
            for callback in self.callbacks:
                callback.on_pre_optimizer_step(None, state, None, model=self.model)
            self.optimizer.step()
            for callback in self.callbacks:
                callback.on_optimizer_step(None, state, None, model=self.model)
            self.optimizer.zero_grad()
            self.done += 1
            losses.append(loss.item())
        return losses

    def ranks(self):
        """How many singular values of each layer are not 0."""
        return [int((w != 0).sum()) for name, w in self.model.named_parameters() if "lora_E" in name]


def test_the_ranks_fall_to_the_budget_between_the_first_and_the_last_share():
    training = Training()
    layers = 7
    training.go(4)
    assert sum(training.ranks()) == 4 * layers  # nothing is dropped yet
    training.go(5)
    assert 2 * layers < sum(training.ranks()) < 4 * layers
    training.go(5)
    assert sum(training.ranks()) == 2 * layers
    final = training.ranks()
    training.go(6)
    assert training.ranks() == final
    assert len(set(final)) > 1  # some layers have more than others


def test_a_stopped_run_goes_on_exactly():
    straight = Training()
    expected = straight.go(STEPS)
    for stop in (2, 8, 16):  # before, while and after ranks are dropped
        first = Training()
        first.go(stop)
        state = copy.deepcopy(METHOD.state(first.model))
        second = Training()
        second.model.load_state_dict(first.model.state_dict())
        second.optimizer.load_state_dict(copy.deepcopy(first.optimizer.state_dict()))
        METHOD.restore(second.model, state)
        second.done = stop
        assert second.go(STEPS - stop) == expected[stop:]


@pytest.mark.parametrize(("steps", "every"), [(3, 1), (9, 1), (9, 4), (STEPS, 1)])
def test_what_is_saved_is_what_was_trained_wherever_it_was_stopped(steps, every, tmp_path):
    training = Training(METHOD.model_copy(update={"every": every}))
    training.go(steps)
    with torch.no_grad():
        said = training.model.eval()(input_ids=IDS).logits
    training.method.result(training.model).save_pretrained(tmp_path)
    torch.manual_seed(0)
    fresh = PeftModel.from_pretrained(llama(num_hidden_layers=1), tmp_path).eval()
    with torch.no_grad():
        assert torch.allclose(fresh(input_ids=IDS).logits, said, atol=1e-5)
        with fresh.disable_adapter():
            assert not torch.allclose(fresh(input_ids=IDS).logits, said, atol=1e-3)


def test_directions_are_pulled_to_right_angles_beside_what_the_task_wants():
    ends, pulls = [], []
    for weight in (0.0, 0.5):
        method = AdaLora(rank=2, orthogonality=weight)
        model, layer = put_on(method, steps=50)
        trained = [layer.lora_A["default"], layer.lora_B["default"]]
        pulls.append(torch.autograd.grad(overlap(model), trained))
        step(model, method, torch.optim.SGD(trained, lr=0.1))
        ends.append([each.detach() for each in trained])
        assert model.peft_config["default"].orth_reg_weight == 0  # so that the loss shown is the task's alone
    for free, held, pull in zip(*ends, pulls[1], strict=True):
        assert pull.abs().max() > 0.01
        assert torch.allclose(held - free, -0.1 * 0.5 * pull, atol=1e-6)


def test_columns_at_right_angles_do_not_overlap():
    model, layer = put_on(AdaLora(rank=1, surplus=2.0), steps=50)
    with torch.no_grad():
        layer.lora_A["default"].copy_(torch.eye(2, 6))
        layer.lora_B["default"].copy_(torch.eye(5, 2))
    assert overlap(model).item() == 0
    with torch.no_grad():
        layer.lora_A["default"][1] = layer.lora_A["default"][0]  # Q·Qᵀ - 1 is then [[0, 1], [1, 0]]
    assert overlap(model).item() == pytest.approx(2**0.5 / 2)


def test_options_reach_peft():
    method = AdaLora(rank=8, surplus=1.5, alpha=16, dropout=0.1, warm_share=0.1, final_share=0.25, every=5)
    config = method.peft_config(Situation("SEQ_CLS", steps=200))
    assert (config.target_r, config.init_r, config.lora_alpha, config.lora_dropout) == (8, 12, 16, 0.1)
    assert (config.total_step, config.tinit, config.tfinal, config.deltaT) == (200, 20, 50, 5)


@pytest.mark.parametrize("steps", [1, 2, 7, 100_000])
def test_any_number_of_steps_and_any_bounds_make_a_schedule(steps):
    for rank, surplus in ((1, 1.1), (128, 4.0)):
        config = AdaLora(rank=rank, surplus=surplus, warm_share=0.4, final_share=0.5).peft_config(
            Situation(steps=steps)
        )
        assert config.init_r > config.target_r
        assert config.tinit < config.total_step - config.tfinal
