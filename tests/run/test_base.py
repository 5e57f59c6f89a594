"""Loading a base safely."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

import pytest
import torch
from peft import get_peft_model
from transformers import LlamaForCausalLM

from studio.data.tokens.encode import prompt_messages
from studio.errors import StudioError
from studio.recipe.methods.low_rank import QLora
from studio.recipe.methods.method import Situation
from studio.run.base import attention_fallback, choose_precision, load_model
from studio.run.tokenizer import load_tokenizer
from tests.tiny_encoder import make_encoder


@pytest.fixture
def model(tiny_base: Path, tmp_path: Path) -> Path:
    """A copy of the tiny base, for a test to spoil."""
    return Path(shutil.copytree(tiny_base, tmp_path / "model"))


def change_json(path: Path, without: tuple[str, ...] = (), **values: object) -> None:
    content = json.loads(path.read_text("utf-8")) | values
    path.write_text(json.dumps({key: value for key, value in content.items() if key not in without}), "utf-8")


def test_a_whole_tokenizer_needs_no_decision(tiny_base):
    tokenizer, decisions = load_tokenizer(tiny_base)
    assert decisions == []
    assert (tokenizer.pad_token, tokenizer.eos_token) == ("<pad>", "</s>")


def test_a_tokenizer_without_template_and_padding_gets_both_and_it_is_said(model):
    (model / "chat_template.jinja").unlink(missing_ok=True)
    change_json(model / "tokenizer_config.json", without=("chat_template", "pad_token"))
    tokenizer, decisions = load_tokenizer(model)
    assert tokenizer.pad_token == "</s>"
    whole = [*prompt_messages("Say a."), {"role": "assistant", "content": "a"}]
    assert tokenizer.apply_chat_template(whole, tokenize=False) == "Say a.\na</s>"
    template, padding = decisions
    assert "no chat template" in template[1]
    assert "no padding token" in padding[1]


def test_a_tokenizer_without_an_end_is_refused(model):
    change_json(model / "tokenizer_config.json", without=("eos_token",))
    with pytest.raises(StudioError, match="could never learn to stop"):
        load_tokenizer(model)


def test_a_torn_tokenizer_is_refused_in_words(model):
    (model / "tokenizer.json").write_text('{"version": "1.0", "mod')
    with pytest.raises(StudioError, match="cannot be loaded"):
        load_tokenizer(model)


def test_the_weights_arrive_as_they_are_stored(tiny_base):
    from safetensors.torch import load_file

    loaded = load_model(tiny_base, choose_precision("float32")).state_dict()
    for name, stored in load_file(tiny_base / "model.safetensors").items():
        assert torch.equal(loaded[name].cpu(), stored), name


def test_pickled_weights_are_refused(model):
    (model / "model.safetensors").unlink()

    class Trap:
        def __reduce__(self):
            return (Path.touch, (model / "sprung",))

    torch.save(Trap(), model / "pytorch_model.bin")
    with pytest.raises(StudioError, match="safetensors"):
        load_model(model, choose_precision("float32"))
    assert not (model / "sprung").exists()


def test_code_out_of_a_model_is_never_run(model):
    (model / "own.py").write_text(f"open({str(model / 'sprung')!r}, 'w')\nclass Own: pass\n")
    own = {"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.Own", "AutoTokenizer": ["own.Own", None]}
    change_json(model / "config.json", model_type="own", architectures=["Own"], auto_map=own)
    change_json(model / "tokenizer_config.json", tokenizer_class="Own", auto_map=own)
    with pytest.raises(StudioError):
        load_model(model, choose_precision("float32"))
    with contextlib.suppress(StudioError):
        load_tokenizer(model)
    assert not (model / "sprung").exists()


def test_torn_weights_are_refused_in_words(model):
    path = model / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(StudioError, match="whole safetensors files"):
        load_model(model, choose_precision("float32"))


def test_an_attention_kernel_named_by_the_model_is_not_looked_up(model):
    change_json(model / "config.json", attn_implementation="someone/kernel", _attn_implementation="someone/kernel")
    assert load_model(model, choose_precision("float32")).config._attn_implementation == "sdpa"


def test_an_architecture_without_fused_attention_takes_the_plain_one_and_says_so(model):
    assert attention_fallback(load_model(model, choose_precision("float32"))) is None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LlamaForCausalLM, "_supports_sdpa", False)
        loaded = load_model(model, choose_precision("float32"))
    assert loaded.config._attn_implementation == "eager"
    choice, reason = attention_fallback(loaded)
    assert choice == "plain attention"
    assert "more memory" in reason


def test_a_tokenizer_that_only_reads_needs_neither_template_nor_end(tmp_path):
    folder = make_encoder(tmp_path / "encoder")
    tokenizer, decisions = load_tokenizer(folder, speaks=False)
    assert decisions == []
    assert (tokenizer.eos_token, tokenizer.chat_template, tokenizer.pad_token) == (None, None, "[PAD]")
    tokenizer, decisions = load_tokenizer(folder)
    assert tokenizer.eos_token == "[SEP]"
    assert decisions[0][0] == "texts end with [SEP]"


def test_gradients_reach_every_layer_of_a_four_bit_base_after_an_evaluation_too(tiny_base):
    """bitsandbytes packs the weights anew at the first evaluation on a CPU, for kernels that know no gradients."""
    torch.manual_seed(0)
    method = QLora(rank=2)
    model = get_peft_model(
        load_model(tiny_base, choose_precision("float32"), method.quantization(torch.float32)),
        method.peft_config(Situation()),
    )
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    ids = torch.arange(3, 40).unsqueeze(0).to(model.device)

    def gradients() -> list[torch.Tensor]:
        model.train()
        model.zero_grad()
        model(input_ids=ids, labels=ids).loss.backward()
        return [weight.grad.clone() for weight in model.parameters() if weight.requires_grad]

    before = gradients()
    with torch.no_grad():
        model.eval()(input_ids=ids)
    for first, second in zip(before, gradients(), strict=True):
        torch.testing.assert_close(second, first, rtol=1e-4, atol=1e-6)
