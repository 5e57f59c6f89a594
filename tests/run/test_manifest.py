"""What a manifest says of a folder: whole, damaged, torn; and of the run that it belongs to."""

from __future__ import annotations

import pytest

from studio.run.directory import Run
from studio.run.manifest import changes, damage, flaw, seal, torn


@pytest.fixture
def run(make_run) -> Run:
    """One with a result."""
    run = make_run()
    run.adapter.mkdir()
    (run.adapter / "adapter_model.safetensors").write_bytes(bytes(100))
    seal(run.adapter, run)
    return run


def test_a_sealed_folder_is_whole(run):
    assert (damage(run.adapter), flaw(run.adapter, run), changes(run.adapter, run)) == ("", "", [])
    assert not torn(run.adapter)
    assert run.result == run.adapter


@pytest.mark.parametrize("content", [None, b"", bytes(99)], ids=["gone", "empty", "cut short"])
def test_a_torn_result_is_not_there(content, run):
    path = run.adapter / "adapter_model.safetensors"
    path.unlink() if content is None else path.write_bytes(content)
    assert torn(run.adapter)
    assert run.result is None
    assert "adapter_model.safetensors is" in damage(run.adapter)


def test_a_changed_bit_is_found_by_the_whole_look(run):
    (run.adapter / "adapter_model.safetensors").write_bytes(bytes(99) + b"1")
    assert not torn(run.adapter)
    assert damage(run.adapter) == "adapter_model.safetensors is damaged"


def test_a_result_without_a_manifest_is_taken_as_it_is(run):
    """It was made by an earlier studio, or by hand."""
    (run.adapter / "manifest.json").unlink()
    assert run.result == run.adapter


def test_what_changed_since_is_named(run):
    (run.path / "recipe.yaml").write_text("{}")
    (run.path / "data" / "train.jsonl").unlink()
    assert changes(run.adapter, run) == ["recipe.yaml", "data/train.jsonl"]
    assert flaw(run.adapter, run) == "recipe.yaml and data/train.jsonl changed since it was saved"
