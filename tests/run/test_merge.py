"""The result of a run as a base to tune on from: a whole model that says what the adapter on its base says."""

from __future__ import annotations

import pytest
import torch
from peft import PromptTuningConfig

from studio.errors import StudioError
from studio.recipe.methods.low_rank import QLora
from studio.recipe.models import locate
from studio.run.base import choose_precision, load_model
from studio.run.directory import Run
from studio.run.merge import merge, tune_base
from studio.run.result import load_result
from studio.share.naming import public_base
from tests.tiny_run import make_run, one_thread

PRECISION = choose_precision("float32")


@pytest.fixture(scope="module", autouse=True, name="one_thread")
def with_one_thread():
    with one_thread():
        yield


def test_an_adapter_and_its_base_become_one_model_that_answers_alike(tiny_base, tmp_path):
    run = make_run(tmp_path / "amber-fox", tiny_base)
    folder = merge(run)
    assert tune_base(run) == folder, "it is made once"
    assert locate(str(folder)).folder == folder
    assert public_base(str(folder)).name == "amber-fox-merged"
    ids = torch.arange(3, 40).unsqueeze(0)
    with torch.no_grad():
        base = load_model(tiny_base, PRECISION)
        of_base = base(input_ids=ids).logits
        expected = load_result(run, base, PRECISION)(input_ids=ids).logits
        found = load_model(folder, PRECISION)(input_ids=ids).logits
    assert torch.allclose(found, expected, atol=1e-3)
    assert not torch.allclose(found, of_base, atol=1e-1)
    assert list(run.path.glob(".merged*")) == []


def test_what_cannot_be_added_in_is_refused_in_words(tiny_base, tmp_path):
    with pytest.raises(StudioError, match="over a base in fewer bits"):
        tune_base(make_run(tmp_path / "four-bit", tiny_base, QLora(rank=4)))
    config = PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=4)
    with pytest.raises(StudioError, match="cannot be added to its base"):
        merge(make_run(tmp_path / "soft", tiny_base, config=config))
    with pytest.raises(StudioError, match="has no result"):
        tune_base(Run(tmp_path / "none"))


def test_a_whole_model_is_a_base_as_it_is(tiny_base, tmp_path):
    run = make_run(tmp_path / "amber-fox", tiny_base)
    run.adapter.rename(run.model)
    assert tune_base(run) == run.model
