"""AdaLoRA: ranks fall to what was asked for, at the right steps; a stopped run goes on as it was."""

from __future__ import annotations

import copy

import pytest
import torch
from peft import PeftModel, get_peft_model

from studio.recipe.methods.adalora import AdaLora, overlap
from studio.recipe.methods.method import Situation
from tests.recipe.methods.one_layer import put_on, train
from tests.recipe.methods.tiny_models import llama, loss_of

STEPS = 20
METHOD = AdaLora(rank=2, surplus=2.0, warm_share=0.2, final_share=0.3, alpha=8)
IDS = torch.arange(3, 13)[None]


class Training:
    """Steps of a tiny Llama under AdaLoRA, one by one, as the trainer does them."""

    def __init__(self, method=METHOD):
        torch.manual_seed(0)
        self.method = method
        self.model = get_peft_model(llama(), method.peft_config(Situation(steps=STEPS)))
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
    layers = 3 * 7
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
    fresh = PeftModel.from_pretrained(llama(), tmp_path).eval()
    with torch.no_grad():
        assert torch.allclose(fresh(input_ids=IDS).logits, said, atol=1e-5)
        with fresh.disable_adapter():
            assert not torch.allclose(fresh(input_ids=IDS).logits, said, atol=1e-3)


def test_directions_are_pulled_to_right_angles_and_the_loss_is_the_tasks_alone():
    held, free = AdaLora(rank=2, orthogonality=1.0), AdaLora(rank=2, orthogonality=0.0)
    overlaps = []
    for method in (held, free):
        model, layer = put_on(method, steps=50)
        layer.lora_A["default"].data *= 20
        before = overlap(model).item()
        rate = torch.optim.SGD([w for w in model.parameters() if w.requires_grad], lr=0.01)
        train(model, method, rate, range(30))
        overlaps.append(overlap(model).item() - before)
        assert model.peft_config["default"].orth_reg_weight == 0
    assert overlaps[0] < overlaps[1] - 0.1


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
