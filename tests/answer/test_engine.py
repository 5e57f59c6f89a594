import shutil

import pytest
from transformers import LlamaConfig, LlamaForCausalLM

from studio.answer.engine import MOST_ADAPTERS, Engine
from studio.errors import StudioError
from studio.run.base import choose_precision
from studio.run.directory import Run
from tests.tiny_run import make_base, make_run


def test_base_is_kept_for_a_run_with_the_same_base(run, base, tmp_path):
    engine, notes = Engine(), []
    first = engine.load(run, notes.append)
    assert len(notes) == 2
    second = engine.load(make_run(tmp_path / "other", base), notes.append)
    assert second.model is first.model
    assert second.adapter != first.adapter
    assert engine.load(run, notes.append) is first
    assert [note.split()[2] for note in notes] == ["base", "adapter", "adapter"]


def test_another_base_takes_its_place(run, quantized_run, tmp_path):
    engine = Engine()
    first = engine.load(run)
    assert engine.load(quantized_run).model is not first.model
    other = engine.load(make_run(tmp_path / "run", make_base(tmp_path / "other", seed=5)))
    assert other.model is not first.model
    assert len(engine._adapters) == 1


def test_only_so_many_adapters_are_kept(run, tmp_path):
    engine = Engine()
    for i in range(MOST_ADAPTERS + 2):
        shutil.copytree(run.path, tmp_path / f"run{i}")
        voices = engine.load(Run(tmp_path / f"run{i}"))
    assert len(voices.model.peft_config) == MOST_ADAPTERS
    assert voices.model.active_adapter == voices.adapter


def test_context_and_ends_are_known(engine, run):
    voices = engine.load(run)
    assert (voices.context, voices.ends, voices.pad) == (2048, frozenset({2}), 0)


def test_run_without_an_adapter(engine, run, tmp_path):
    shutil.copytree(run.path, tmp_path / "run", ignore=shutil.ignore_patterns("adapter"))
    with pytest.raises(StudioError, match="no result"):
        engine.load(Run(tmp_path / "run"))


def test_damaged_adapter(engine, run, tmp_path):
    shutil.copytree(run.path, tmp_path / "run")
    (tmp_path / "run" / "adapter" / "adapter_model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(StudioError, match="cannot be put on its base"):
        engine.load(Run(tmp_path / "run"))
    assert engine.load(run).model is not None


def test_adapter_of_another_base(engine, tmp_path):
    run = make_run(tmp_path / "run", make_base(tmp_path / "base"))
    LlamaForCausalLM(LlamaConfig(hidden_size=32, num_attention_heads=4, num_hidden_layers=2)).save_pretrained(
        run.recipe.model.id
    )
    with pytest.raises(StudioError, match=r"does not fit its base: it was made for base, .*hidden size 32, "):
        engine.load(run)


def test_a_base_by_itself_shares_the_memory_of_a_run(run, base):
    engine, notes = Engine(), []
    model = run.recipe.model.id
    engine._precisions["auto"] = choose_precision("float32")  # as the run has it
    alone = engine.load_base(model, notes.append)
    assert (alone.adapter, alone.context, alone.ends) == ("", 2048, frozenset({2}))
    tuned = engine.load(run, notes.append)
    again = engine.load_base(model, notes.append)
    assert again.model is tuned.model
    assert again.adapter == ""
    assert [note.split()[2] for note in notes] == ["base", "adapter"]
