"""A run directory made by hand: a tiny Llama with random weights, and an adapter that changes what it says."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from peft import LoraConfig, PeftConfig, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from studio.recipe.methods.low_rank import Lora
from studio.recipe.recipe import ModelPart, Recipe, TrainingPart
from studio.run.directory import Run

CONTEXT = 2048
SPECIAL = ("<pad>", "<s>", "</s>")
TEMPLATE = (
    "{% for m in messages %}{{ '<s>' + m.role + '\\n' + m.content + '</s>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<s>assistant\\n' }}{% endif %}"
)
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


@contextmanager
def one_thread() -> Iterator[None]:
    """Tiny models are much faster with one thread, most of all on a busy machine; children read the variable."""
    before, threads = os.environ.get("OMP_NUM_THREADS"), torch.get_num_threads()
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    if before is None:
        del os.environ["OMP_NUM_THREADS"]
    else:
        os.environ["OMP_NUM_THREADS"] = before


def make_tokenizer() -> PreTrainedTokenizerFast:
    """One token a byte, so that every character beyond ASCII comes in pieces."""
    alphabet = [*SPECIAL, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    core = Tokenizer(models.BPE({token: i for i, token in enumerate(alphabet)}, []))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens(list(SPECIAL))
    return PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", bos_token="<s>", eos_token="</s>", chat_template=TEMPLATE
    )


def make_base(folder: Path, seed: int = 0) -> Path:
    """A base model's folder."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=259,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        initializer_range=0.3,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return folder


def make_run(folder: Path, base: Path, method: Lora | None = None, config: PeftConfig | None = None) -> Run:
    """A finished run over `base`, with an adapter of random weights as `config` describes it."""
    recipe = Recipe(
        model=ModelPart(id=str(base)), method=method or Lora(rank=4), training=TrainingPart(precision="float32")
    )
    (folder / "data").mkdir(parents=True)
    (folder / "recipe.yaml").write_text(recipe.to_yaml(), "utf-8")
    source = {"name": "made.csv", "type": "prompt-completion"}
    (folder / "data" / "source.json").write_text(json.dumps(source), "utf-8")
    for part, rows in (("train", range(1, 4)), ("held_out", range(4, 24))):
        lines = [{"row": row, "prompt": "Say it. " * (row % 5 + 1), "completion": "ok" * row} for row in rows]
        (folder / "data" / f"{part}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    _save_adapter(folder / "adapter", base, config or LoraConfig(r=4, target_modules=TARGETS, task_type="CAUSAL_LM"))
    (folder / "adapter" / "recipe.yaml").write_text(recipe.to_yaml(), "utf-8")
    return Run(folder)


def _save_adapter(folder: Path, base: Path, config: PeftConfig) -> None:
    torch.manual_seed(1)
    model = get_peft_model(LlamaForCausalLM.from_pretrained(base), config)
    for name, weights in model.named_parameters():
        if "lora_" in name or "ia3" in name:
            torch.nn.init.normal_(weights, mean=1.0 if "ia3" in name else 0.0, std=0.3)
    model.save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
