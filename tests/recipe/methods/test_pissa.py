"""PiSSA and the other starts: nothing changes at first, and what is saved fits the unchanged base."""

from __future__ import annotations

import json

import pytest
import torch
from peft import PeftModel, get_peft_model

from studio.errors import StudioError
from studio.recipe.methods.method import Situation
from studio.recipe.methods.pissa import Pissa
from tests.recipe.methods.one_layer import put_on
from tests.recipe.methods.tiny_models import bert, gpt2, llama

IDS = torch.arange(3, 23).reshape(2, 10)
INITS = ["pissa_niter_16", "pissa", "olora", "orthogonal", "gaussian"]


def logits(model):
    with torch.no_grad():
        return model.eval()(input_ids=IDS, attention_mask=torch.ones_like(IDS)).logits


def trained(base, method, task="CAUSAL_LM"):
    """A model whose adapter has learned something; the head, if there is one, too."""
    model = get_peft_model(base, method.peft_config(Situation(task, model=base)))
    method.choose(model)
    assert torch.allclose(logits(model), logits(base), atol=1e-5)
    torch.manual_seed(1)
    for weight in model.parameters():
        if weight.requires_grad:
            weight.data += 0.05 * torch.randn_like(weight)
    return model


@pytest.mark.parametrize("init", INITS)
@pytest.mark.parametrize(("make", "classes"), [(llama, 0), (bert, 3)])
def test_what_is_saved_says_the_same_over_the_unchanged_base(make, classes, init, tmp_path):
    method = Pissa(rank=4, alpha=6, init=init)
    torch.manual_seed(0)
    base = make(classes)
    original = {name: weight.clone() for name, weight in base.state_dict().items()}
    plain = logits(base)
    model = trained(base, method, "SEQ_CLS" if classes else "CAUSAL_LM")
    said = logits(model)
    assert (said - plain).abs().max() > 1e-3
    method.result(model).save_pretrained(tmp_path)
    fresh = make(classes)
    fresh.load_state_dict(original)
    again = PeftModel.from_pretrained(fresh, tmp_path)
    assert torch.allclose(logits(again), said, atol=1e-5)
    again.load_adapter(str(tmp_path), "second")  # a second one on the same copy finds the base as it was
    again.set_adapter("second")
    assert torch.allclose(logits(again), said, atol=1e-5)
    with again.disable_adapter():
        assert torch.equal(logits(again), plain) or classes  # with classes the new head stays


def test_a_base_that_stores_its_matrices_on_their_side(tmp_path):
    base = gpt2()
    original = {name: weight.clone() for name, weight in base.state_dict().items()}
    method = Pissa(rank=4, init="pissa")
    model = trained(base, method)
    said = logits(model)
    method.result(model).save_pretrained(tmp_path)
    fresh = gpt2()
    fresh.load_state_dict(original)
    assert torch.allclose(logits(PeftModel.from_pretrained(fresh, tmp_path)), said, atol=1e-5)
    with pytest.raises(StudioError, match="pissa_niter_16"):
        Pissa(init="olora").peft_config(Situation(model=fresh))


def test_a_rank_above_a_side_of_the_matrix_can_be_loaded(tmp_path):
    base = llama()
    original = {name: weight.clone() for name, weight in base.state_dict().items()}
    method = Pissa(rank=40, init="pissa")
    model = trained(base, method)
    said = logits(model)
    method.result(model).save_pretrained(tmp_path)
    assert json.loads((tmp_path / "adapter_config.json").read_text())["r"] == 80
    fresh = llama()
    fresh.load_state_dict(original)
    assert torch.allclose(logits(PeftModel.from_pretrained(fresh, tmp_path)), said, atol=1e-4)


def test_pissa_takes_the_strongest_directions_out_of_the_matrix():
    _, layer = put_on(Pissa(rank=2, init="pissa"))
    a0, b0 = layer.taken
    scaling = layer.scaling["default"]
    whole = layer.base_layer.weight + scaling * b0 @ a0
    strongest = torch.linalg.svdvals(whole)
    assert torch.allclose(torch.linalg.svdvals(scaling * b0 @ a0)[:2], strongest[:2], atol=1e-5)
    assert torch.allclose(torch.linalg.svdvals(layer.base_layer.weight)[:3], strongest[2:], atol=1e-5)


def test_an_odd_rank_cannot_be_halved():
    with pytest.raises(StudioError, match="rank to 6"):
        Pissa(init="orthogonal", rank=5).peft_config(Situation())
