"""F20: an adapter meets another base than its own: refused before it is loaded, and both are named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from studio.answer.engine import Engine
from studio.errors import StudioError
from studio.recipe.read import changed
from studio.run.base import choose_precision, load_model
from studio.run.base_mark import mark_base
from studio.run.directory import Run
from studio.run.result import load_result
from tests.answer.results import voice_of
from tests.tiny_run import make_base, make_run

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> Path:
    return make_base(tmp_path_factory.mktemp("bases") / "own-base")


@pytest.fixture(scope="module")
def twin(tmp_path_factory) -> Path:
    """A base of the very same shape with other weights: nothing but a digest tells them apart."""
    return make_base(tmp_path_factory.mktemp("bases") / "twin-base", seed=7)


@pytest.fixture(scope="module")
def made(tmp_path_factory, own) -> Run:
    run = make_run(tmp_path_factory.mktemp("runs") / "amber-fox", own)
    mark_base(run.adapter, own, str(own))
    return run


def moved_to(run: Run, base: Path, folder: Path) -> Run:
    """A copy of the run whose recipe names another base."""
    shutil.copytree(run.path, folder)
    (folder / "recipe.yaml").write_text(changed(run.recipe, {"model.id": str(base)}).to_yaml(), "utf-8")
    return Run(folder)


def test_a_base_of_the_same_shape_with_other_weights_is_refused(made, twin, tmp_path):
    run = moved_to(made, twin, tmp_path / "moved")
    both = r"was made for own-base \(hidden size 64, vocabulary 259, .*\), and its base is now twin-base"
    with pytest.raises(StudioError, match=both):
        Engine().seats([voice_of(run)])
    with pytest.raises(StudioError, match=both):
        load_result(run, load_model(twin, choose_precision("float32")), choose_precision("float32"))


def test_its_own_base_in_another_place_is_taken(made, own, tmp_path):
    shutil.copytree(own, tmp_path / "copied-base")
    run = moved_to(made, tmp_path / "copied-base", tmp_path / "moved")
    assert Engine().seats([voice_of(run)])[0].adapter


def test_an_adapter_of_an_earlier_studio_is_judged_by_its_shapes(made, own, tmp_path):
    from transformers import LlamaConfig, LlamaForCausalLM

    other = shutil.copytree(own, tmp_path / "wide-base")
    config = LlamaConfig(vocab_size=259, hidden_size=32, num_attention_heads=4, num_hidden_layers=2)
    LlamaForCausalLM(config).save_pretrained(other)
    run = moved_to(made, other, tmp_path / "moved")
    (run.adapter / "base.json").unlink()
    with pytest.raises(StudioError, match=r"made for own-base, and is to be put on wide-base \(hidden size 32"):
        Engine().seats([voice_of(run)])
