"""VeRA against the paper's equation on one linear layer, and across layers of different shapes."""

from __future__ import annotations

import pytest
import torch
from peft import PeftModel, get_peft_model

from studio.recipe.methods.method import Situation
from studio.recipe.methods.vera import Vera
from tests.recipe.methods.one_layer import INPUTS, WANTED, put_on, step
from tests.recipe.methods.tiny_models import llama, moving

RATE = 0.01


def speaking(**options):
    """An adapted layer with its parts: A, B, d, b. b is not 0, as after some steps."""
    model, layer = put_on(Vera(rank=3, **options))
    with torch.no_grad():
        layer.vera_lambda_b["default"].normal_()
        layer.vera_lambda_d["default"].normal_()
    parts = (
        layer.vera_A["default"],
        layer.vera_B["default"],
        layer.vera_lambda_d["default"],
        layer.vera_lambda_b["default"],
    )
    return model, layer, parts


def test_it_starts_as_the_base_with_d_as_set():
    model, layer = put_on(Vera(rank=3, start=0.25))
    assert torch.equal(model(INPUTS), INPUTS @ layer.base_layer.weight.T)
    assert torch.equal(layer.vera_lambda_d["default"], torch.full((3,), 0.25))


def test_what_it_says_and_how_d_and_b_move_is_the_papers_equation():
    model, layer, (a, b, d_vector, b_vector) = speaking()
    said = INPUTS @ layer.base_layer.weight.T + (INPUTS @ a.T * d_vector) @ b.T * b_vector
    assert torch.allclose(model(INPUTS), said, atol=1e-6)
    error = 2 * (said - WANTED).detach()
    of_b = (error * ((INPUTS @ a.T * d_vector) @ b.T)).sum(0).detach()
    of_d = ((error * b_vector) @ b * (INPUTS @ a.T)).sum(0).detach()
    before = [each.detach().clone() for each in (d_vector, b_vector, a, b)]
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    step(model, Vera(), torch.optim.SGD(trained, lr=RATE))
    assert torch.allclose(d_vector, before[0] - RATE * of_d, atol=1e-5)
    assert torch.allclose(b_vector, before[1] - RATE * of_b, atol=1e-5)
    assert torch.equal(a, before[2])
    assert torch.equal(b, before[3])
    assert len(trained) == 2


def test_layers_of_different_shapes_share_one_pair_of_matrices():
    model = get_peft_model(llama(), Vera(rank=8).peft_config(Situation()))
    shared = model.base_model.vera_A["default"], model.base_model.vera_B["default"]
    assert shared[0].shape == (8, 64)  # down_proj has the most inputs
    assert shared[1].shape == (64, 8)  # gate_proj has the most outputs
    layers = [module for module in model.modules() if hasattr(module, "vera_lambda_d")]
    assert len(layers) == 3 * 7
    assert all(layer.vera_A["default"] is shared[0] and layer.vera_B["default"] is shared[1] for layer in layers)
    assert {name.rsplit(".", 2)[-2] for name in moving(model)} == {"vera_lambda_b", "vera_lambda_d"}


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.filterwarnings("ignore:Specified to not")
def test_the_matrices_come_back_stored_or_drawn_again(keep, tmp_path):
    torch.manual_seed(0)
    base = llama()
    weights = {name: weight.clone() for name, weight in base.state_dict().items()}
    tuned = get_peft_model(base, Vera(rank=8, keep_matrices=keep).peft_config(Situation())).eval()
    for name, weight in tuned.named_parameters():
        if "vera_lambda" in name:
            torch.nn.init.normal_(weight)
    ids = torch.arange(3, 13)[None]
    said = tuned(input_ids=ids).logits
    tuned.save_pretrained(tmp_path)
    stored = (tmp_path / "adapter_model.safetensors").read_bytes()
    assert (b"base_model.vera_A" in stored) == keep
    torch.manual_seed(99)
    fresh = llama()
    fresh.load_state_dict(weights)
    assert not torch.equal(fresh(input_ids=ids).logits, said)
    assert torch.equal(PeftModel.from_pretrained(fresh, tmp_path).eval()(input_ids=ids).logits, said)


def test_options_reach_peft():
    config = Vera(rank=7, start=0.5, dropout=0.2, layers="mlp").peft_config(Situation("SEQ_CLS"))
    assert (config.r, config.d_initial, config.vera_dropout, config.task_type) == (7, 0.5, 0.2, "SEQ_CLS")
    assert "gate_proj" in config.target_modules
