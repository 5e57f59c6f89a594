"""The model of the starter and how it is trained from nothing: Muon for the matrices, AdamW for the rest."""

import shutil
import time

import numpy as np
import torch
from corpus import CONTEXT, IGNORED, VOCABULARY, batches
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM

ROWS = 8  # in a batch: 4,096 tokens
MATRIX_RATE = 0.02
OTHER_RATE = 0.004
WARMUP = 0.03  # of all steps


def new_model(pad: int, end: int) -> LlamaForCausalLM:
    """A Llama of 2.0 M parameters with random weights; every matrix is whole blocks of 64 for NF4."""
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=4,
        num_attention_heads=6,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        pad_token_id=pad,
        eos_token_id=end,
        bos_token_id=None,
    )
    return LlamaForCausalLM(config)


def optimizers(model: LlamaForCausalLM) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers, AdamW for embeddings and norms."""
    matrices = [weight for weight in model.model.layers.parameters() if weight.ndim == 2]
    chosen = {id(weight) for weight in matrices}
    others = [weight for weight in model.parameters() if id(weight) not in chosen]
    return [
        torch.optim.Muon(matrices, lr=MATRIX_RATE, momentum=0.95, weight_decay=0.0),
        torch.optim.AdamW(others, lr=OTHER_RATE, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def share_of_rate(step: int, steps: int) -> float:
    """Up over the warm-up, then down to zero in a straight line."""
    warmup = max(1, round(steps * WARMUP))
    return min((step + 1) / warmup, (steps - step) / (steps - warmup + 1))


def loss_of(model: torch.nn.Module, batch: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of the next token over the learned tokens of a batch [row, (ids, labels), token]."""
    ids, labels = batch[:, 0], batch[:, 1]
    with torch.autocast(ids.device.type, dtype=torch.bfloat16):
        logits = model(input_ids=ids).logits
    return cross_entropy(logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten(), ignore_index=IGNORED)


def train(model: LlamaForCausalLM, rows: np.ndarray, steps: int, seed: int, device: str) -> None:
    """Train in place, saying now and then how far it is."""
    model.to(device).train()
    model.config.use_cache = False
    runner = torch.compile(model) if shutil.which("g++") else model  # compiling pays 1.3x, and wants a C++ compiler
    solvers, started = optimizers(model), time.monotonic()
    rates = [[group["lr"] for group in solver.param_groups] for solver in solvers]
    for step, batch in zip(range(steps), batches(rows, ROWS, seed), strict=False):
        loss = loss_of(runner, torch.from_numpy(batch).to(device))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for solver, first in zip(solvers, rates, strict=True):
            for group, rate in zip(solver.param_groups, first, strict=True):
                group["lr"] = rate * share_of_rate(step, steps)
            solver.step()
            solver.zero_grad()
        if step % 50 == 0 or step == steps - 1:
            spent = time.monotonic() - started
            speed = (step + 1) * ROWS * CONTEXT / spent
            print(f"step {step + 1}/{steps}  loss {loss.item():.3f}  {spent:.0f} s  {speed:,.0f} tokens/s", flush=True)
    model.config.use_cache = True


@torch.no_grad()
def perplexity(model: LlamaForCausalLM, rows: np.ndarray, device: str) -> float:
    """Perplexity over the learned tokens of these rows."""
    model.eval()
    batch = torch.from_numpy(rows.astype(np.int64))
    parts = [(part, (part[:, 1, 1:] != IGNORED).sum().item()) for part in batch.split(ROWS)]
    total = sum(loss_of(model, part.to(device)).item() * count for part, count in parts)
    return float(np.exp(total / sum(count for _, count in parts)))
