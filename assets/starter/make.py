"""Make the bundled starter model from nothing: python assets/starter/make.py

Generates the corpus of Tidewick, learns a tokenizer, trains a small Llama on it and writes Hugging Face files and a
model card beside this script. On two CPU cores it takes about a quarter of an hour, on a GPU a minute.
"""

import argparse
import os
import time
from pathlib import Path

import torch
from card import write_card
from corpus import corpus, documents, learn_tokenizer, render, rows_of
from measure import recall, samples, skills
from talks import talk
from training import ROWS, new_model, perplexity, train
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

HERE = Path(__file__).parent
PART = 4_000  # documents
ROWS_IN_PART = 300  # at least
TOKENIZER_SEED, TRAIN_SEED, HELD_OUT_SEED = 1, 2, 3


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1200, help="optimiser steps of 4,096 tokens")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=HERE, help="folder the files go to")
    return parser.parse_args()


def make_tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer, checked: its template writes what the corpus holds, and any text survives it."""
    tokenizer = learn_tokenizer(documents(TOKENIZER_SEED, 30_000))
    turns = talk("Hello!", "Good day.", "Who?", "Mira.")
    assert tokenizer.apply_chat_template(turns, tokenize=False) == render(turns)
    text = "naïve 日本語 🙂 \t\x00 {}"
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text
    return tokenizer


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, out: Path) -> None:
    """Weights as bfloat16 safetensors, the configuration, the tokenizer and its template."""
    model.generation_config.update(max_new_tokens=128, do_sample=False)
    model.save_pretrained(out, safe_serialization=True)
    tokenizer.padding_side = "right"
    tokenizer.save_pretrained(out)


def main() -> None:
    """Make, measure, print and write."""
    chosen, started = options(), time.monotonic()
    torch.manual_seed(chosen.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = make_tokenizer()
    parts = -(-chosen.steps * ROWS // ROWS_IN_PART)
    rows = corpus(TRAIN_SEED, parts, PART, tokenizer, os.cpu_count() or 1)
    print(f"{len(rows):,} rows of text after {time.monotonic() - started:.0f} s; training on {device}", flush=True)
    model = new_model(tokenizer.pad_token_id, tokenizer.eos_token_id)
    train(model, rows, chosen.steps, chosen.seed, device)
    seconds = time.monotonic() - started
    model.to(torch.bfloat16)
    save(model, tokenizer, chosen.out)
    model.float()
    reached = {
        "parameters": model.num_parameters(),
        "training tokens": chosen.steps * ROWS * rows.shape[-1],
        "seconds": round(seconds),
        "device": device,
        "held-out perplexity": perplexity(model, rows_of(HELD_OUT_SEED, PART // 4, tokenizer), device),
        "recall": recall(model, tokenizer),
        "skills": skills(model, tokenizer),
        "samples": samples(model, tokenizer),
    }
    print("\n".join(f"{name}: {value}" for name, value in reached.items()))
    write_card(chosen.out / "README.md", reached)


if __name__ == "__main__":
    main()
