"""Runs of every method as a trainer leaves them, with a checkpoint, and what the libraries alone make of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from studio.answer.generate import Row, generate
from studio.answer.settings import Settings
from studio.answer.voice import RESULT, Voice
from studio.recipe.methods.every import method_named
from studio.recipe.methods.method import Situation
from studio.recipe.recipe import ModelPart, Recipe, TrainingPart
from studio.run.base import choose_precision, load_model
from studio.run.checkpoints import WEIGHTS, write_weights
from studio.run.directory import Run
from studio.run.result import save_result
from studio.run.tokenizer import load_tokenizer
from studio.run.tune import put_on

CHECKPOINT = "checkpoint-3"


def made(folder: Path, base: Path, name: str, seed: int = 1, spread: float = 0.2, **options: Any) -> Run:
    """A run whose result is as the method leaves it, with random numbers in all that it trains.

    Its one checkpoint holds the same numbers, so it says the same.
    """
    method = method_named(name)(name=name, **options)
    recipe = Recipe(model=ModelPart(id=str(base)), method=method, training=TrainingPart(precision="float32"))
    (folder / "data").mkdir(parents=True)
    (folder / "recipe.yaml").write_text(recipe.to_yaml(), "utf-8")
    (folder / "data" / "source.json").write_text(json.dumps({"name": "made.csv", "train_rows": 3}), "utf-8")
    precision = choose_precision("float32")
    model = load_model(base, precision, recipe.method.quantization(precision.compute))
    tuned: Any = put_on(model, recipe, Situation(tokenizer=str(base)))
    torch.manual_seed(seed)
    with torch.no_grad():
        for weight in tuned.parameters():
            if weight.requires_grad:
                weight.add_(torch.randn_like(weight) * spread)
    (folder / "checkpoints" / CHECKPOINT).mkdir(parents=True)
    write_weights(tuned, method, folder / "checkpoints" / CHECKPOINT / WEIGHTS)
    save_result(Run(folder), tuned, recipe.method, load_tokenizer(base)[0])
    return Run(folder)


def voice_of(run: Run, part: str = RESULT, strength: float = 1.0) -> Voice:
    """A voice of the run."""
    return Voice.of_run(str(run.path), part, strength)


def freshly_loaded(run: Run, base: Path) -> Any:
    """The tuned model as the libraries alone load it."""
    if run.model.is_dir():
        return AutoModelForCausalLM.from_pretrained(run.model).eval()
    quantization = run.recipe.method.quantization(torch.float32)
    model = load_model(base, choose_precision("float32"), quantization)
    return PeftModel.from_pretrained(model, str(run.adapter)).eval()


def logits(model: Any, ids: Sequence[int] = range(3, 60)) -> torch.Tensor:
    """What the model puts out for these tokens."""
    with torch.no_grad():
        found: torch.Tensor = model(input_ids=torch.tensor([list(ids)])).logits
    return found


def step_by_step(model: Any, ids: list[int], tokens: int) -> list[int]:
    """Greedy tokens by one whole forward pass each: no cache, no generate."""
    said: list[int] = []
    while len(said) < tokens and 2 not in said:
        said.append(int(logits(model, ids + said)[0, -1].argmax()))
    return said


def answers(rows: Sequence[Row], tokens: int) -> list[list[int]]:
    """Greedy tokens of all rows, asked at once."""
    said: list[list[int]] = [[] for _ in rows]

    def heard(step: dict[int, Any]) -> None:
        for place, token in step.items():
            said[place].append(token.id)

    generate(rows, Settings(max_new_tokens=tokens), heard, lambda: False)
    return said
