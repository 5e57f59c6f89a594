"""The catalogue, and which base models are taken or refused, with words that say what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from studio.data.hub.words import is_hub_id
from studio.errors import StudioError
from studio.home import CHECKOUT, STARTER
from studio.recipe.models import catalogue, facts, locate
from tests.recipe.tiny_model import CONFIG, safetensors

STORIES = CHECKOUT.parent / "shared" / "models" / "stories260k"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A whole little model folder, for a test to spoil."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "tokenizer_config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(safetensors({"a": ("BF16", [4, 8]), "b": ("F32", [3])}))
    return folder


def refusal(model_id: object) -> str:
    with pytest.raises(StudioError) as caught:
        locate(str(model_id))
    return str(caught.value)


def set_config(folder: Path, **values: object) -> None:
    (folder / "config.json").write_text(json.dumps(CONFIG | values))


def test_the_catalogue_is_well_formed():
    cards = catalogue()
    assert len(cards) >= 18
    assert cards[0].id == "starter"
    assert len({card.id.casefold() for card in cards}) == len(cards)
    for card in cards[1:]:
        assert is_hub_id(card.id), card.id
        assert 60_000_000 <= card.parameters <= 8_500_000_000, card.id
        assert 512 <= card.context <= 1_000_000, card.id
        assert 1e-5 <= card.learning_rate <= 1e-2, card.id
        assert card.good_for.endswith("."), card.id


def test_the_catalogue_knows_encoders_and_says_so():
    encoders = [card for card in catalogue() if card.kind == "encoder"]
    assert {"answerdotai/ModernBERT-base", "google-bert/bert-base-uncased"} <= {card.id for card in encoders}
    assert not any(card.instruct for card in encoders)
    assert catalogue()[0].kind == "decoder"


def test_the_size_is_said_in_words():
    sizes = {card.id: card.size for card in catalogue()}
    assert sizes["HuggingFaceTB/SmolLM2-135M-Instruct"] == "135 M"
    assert sizes["meta-llama/Llama-3.2-1B-Instruct"] == "1.2 B"


@pytest.mark.skipif(not (STARTER / "config.json").exists(), reason="the starter has not been made yet")
def test_the_starter_is_bundled_and_its_card_is_true():
    located = locate("starter")
    assert located.folder == STARTER
    assert located.card is not None
    seen = facts(STARTER)
    assert seen.has_chat_template
    assert seen.context == located.card.context
    assert located.card.size == f"{seen.parameters / 1e6:.0f} M"


def test_a_hub_id_is_found_without_being_fetched():
    located = locate("  qwen/qwen3-0.6b ")
    assert located.folder is None
    assert located.id == "Qwen/Qwen3-0.6B"
    assert located.card is not None
    assert locate("someone/else").card is None


@pytest.mark.parametrize("text", ["gpt2", "a b/c", "a--b/c", "owner/name.git", "näme/x", "a/" + "b" * 200])
def test_what_names_nothing_is_refused(text: str):
    assert "owner/name" in refusal(text)


@pytest.mark.parametrize("text", ["", "   ", "a\0b", "x" * 2000])
def test_no_name_at_all_is_refused(text: str):
    assert "No base model is named" in refusal(text)


def test_a_pages_address_is_answered_with_the_id():
    assert refusal("https://huggingface.co/Qwen/Qwen3-0.6B/tree/main").endswith("id alone: Qwen/Qwen3-0.6B")


def test_a_folder_is_found_absolute_relative_and_from_home(model: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(model.parent)
    monkeypatch.setenv("HOME", str(model.parent))
    for text in (str(model), "tiny", "./tiny", "~/tiny"):
        assert locate(text).folder == model.resolve()


def test_facts_are_read_from_the_headers(model: Path):
    seen = facts(model)
    assert (seen.parameters, seen.bytes, seen.dtype) == (35, 76, "bfloat16")
    assert (seen.architecture, seen.context, seen.has_chat_template) == ("LlamaForCausalLM", 64, False)
    (model / "tokenizer_config.json").write_text('{"chat_template": "{{ messages }}"}')
    (model / "config.json").write_text('{"model_type": "x", "text_config": {"max_position_embeddings": 9}}')
    seen = facts(model)
    assert (seen.architecture, seen.context, seen.has_chat_template) == ("x", 9, True)


def test_shards_are_counted_together(model: Path):
    (model / "model.safetensors").rename(model / "model-00001-of-00002.safetensors")
    (model / "model-00002-of-00002.safetensors").write_bytes(safetensors({"c": ("F32", [5])}))
    names = {"a": "model-00001-of-00002.safetensors", "c": "model-00002-of-00002.safetensors"}
    (model / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    assert facts(locate(str(model)).folder).parameters == 40
    (model / "model-00002-of-00002.safetensors").unlink()
    assert "model-00002-of-00002.safetensors is missing (1 of 2 files)" in refusal(model)


@pytest.mark.parametrize(
    "weight_map", [{}, None, {"a": "../a.safetensors"}, {"a": "a.bin"}, {"a": "/etc/x.safetensors"}]
)
def test_an_index_that_points_elsewhere_is_refused(model: Path, weight_map: object):
    (model / "model.safetensors").unlink()
    (model / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    assert "does not list its files" in refusal(model)


def test_missing_things_are_named(model: Path):
    assert "no such folder" in refusal(model / "nothing")
    assert "that is a file" in refusal(model / "config.json")
    (model / "tokenizer.json").unlink()
    assert "has no tokenizer" in refusal(model)
    (model / "model.safetensors").unlink()
    assert "has no weights" in refusal(model)
    (model / "config.json").unlink()
    assert "no config.json" in refusal(model)


def test_pickles_are_refused(model: Path):
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    assert "pickled (pytorch_model.bin)" in refusal(model)


def test_oddly_named_weights_adapters_and_gguf_are_told_apart(model: Path):
    (model / "model.safetensors").rename(model / "weights.safetensors")
    assert "Rename the file to model.safetensors" in refusal(model)
    (model / "config.json").rename(model / "config.gguf")
    assert "GGUF" in refusal(model)
    (model / "adapter_config.json").write_text("{}")
    assert "is an adapter" in refusal(model)


def test_remote_code_is_refused(model: Path):
    set_config(model, auto_map={"AutoModelForCausalLM": "modeling.Evil"})
    assert "never runs code out of a model" in refusal(model)


@pytest.mark.parametrize("nested", [True, False])
def test_a_quantized_model_is_named_and_refused(model: Path, nested: bool):
    settings = {"quantization_config": {"quant_method": "gptq"}}
    set_config(model, **({"text_config": settings} if nested else settings))
    assert "already quantized (gptq)" in refusal(model)


@pytest.mark.parametrize("content", ["", "{", "[]", '"text"', "[" * 100_000, "\xff\xfe", '{"a": ' + "1" * 9000 + "}"])
def test_a_torn_config_is_refused(model: Path, content: str):
    (model / "config.json").write_text(content, "latin-1")
    assert "torn or not JSON" in refusal(model)


@pytest.mark.parametrize("kind", [None, 7, ""])
def test_a_config_without_model_type_is_refused(model: Path, kind: object):
    set_config(model, model_type=kind)
    assert "model_type" in refusal(model)


def entry(**changes: object) -> bytes:
    text = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} | changes}).encode()
    return len(text).to_bytes(8, "little") + text + bytes(4)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"abc", "cut off"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ((2**63).to_bytes(8, "little") + b"{}", "cut off"),
        ((2).to_bytes(8, "little") + b"{}", "holds no tensors"),
        ((2).to_bytes(8, "little") + b"[]", "cannot be read"),
        ((2).to_bytes(8, "little") + b"{!", "cannot be read"),
        ((100_000).to_bytes(8, "little") + b"[" * 100_000, "cannot be read"),
        (safetensors({"a": ("F32", [9])})[:-1], "was cut off"),
        (entry(shape=[2]), "cannot be read"),
        (entry(shape=[-1]), "cannot be read"),
        (entry(shape=["1"]), "cannot be read"),
        (entry(shape=[1] * 99), "cannot be read"),
        (entry(data_offsets=[4, 0]), "cannot be read"),
        (entry(data_offsets=[0, 10**30]), "cannot be read"),
        (entry(dtype=[]), "cannot be read"),
    ],
)
def test_a_torn_weights_file_is_refused(model: Path, content: bytes, words: str):
    (model / "model.safetensors").write_bytes(content)
    assert words in refusal(model)


def test_an_endless_header_is_not_read(model: Path):
    with (model / "model.safetensors").open("wb") as file:
        file.write((40_000_000).to_bytes(8, "little"))
        file.truncate(50_000_000)
    assert "more than any model needs" in refusal(model)


@pytest.mark.skipif(not STORIES.exists(), reason="no shared models here")
def test_a_real_model():
    seen = facts(locate(str(STORIES)).folder)
    assert (seen.parameters, seen.context, seen.dtype) == (260_032, 512, "float32")
    assert not seen.has_chat_template


def test_looking_for_a_model_imports_nothing_heavy():
    code = (
        "import sys; from studio.recipe.models import catalogue, locate; catalogue();"
        "print([m for m in ('torch', 'transformers', 'peft', 'trl', 'huggingface_hub') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=CHECKOUT, check=True)
    assert done.stdout.strip() == "[]"
