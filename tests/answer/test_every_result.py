"""The result of every method answers through the engine as a fresh load of it does, token by token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from studio.answer import engine as engine_module
from studio.answer.engine import Engine
from studio.answer.generate import Row, generate
from studio.answer.prompts import prompt_ids
from studio.answer.settings import Settings
from studio.answer.voices import Voices
from studio.recipe.methods.every import METHODS, method_named, name_of
from studio.recipe.methods.method import Situation
from studio.recipe.recipe import ModelPart, Recipe, TrainingPart
from studio.run.base import choose_precision, load_model
from studio.run.directory import Run
from studio.run.result import save_result
from studio.run.tune import put_on
from tests.tiny_run import make_tokenizer

NAMES = [name_of(method) for method in METHODS]
TOKENS = 24
SAID = [{"role": "user", "content": "Tell me of the heron and the miller."}]


def made(folder: Path, base: Path, name: str, seed: int = 1) -> Run:
    """A run whose result is as the method leaves it, with random numbers in all that it trains."""
    recipe = Recipe(
        model=ModelPart(id=str(base)), method=method_named(name)(name=name), training=TrainingPart(precision="float32")
    )
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text(recipe.to_yaml(), "utf-8")
    precision = choose_precision("float32")
    model = load_model(base, precision, recipe.method.quantization(precision.compute))
    tuned = put_on(model, recipe, Situation(tokenizer=str(base)))
    torch.manual_seed(seed)
    with torch.no_grad():
        for weight in tuned.parameters():
            if weight.requires_grad:
                weight.add_(torch.randn_like(weight) * 0.2)
    save_result(Run(folder), tuned, recipe.method, make_tokenizer())
    return Run(folder)


def freshly_loaded(run: Run, base: Path) -> Any:
    """The tuned model as the libraries alone load it."""
    if run.model.is_dir():
        return AutoModelForCausalLM.from_pretrained(run.model).eval()
    quantization = run.recipe.method.quantization(torch.float32)
    model = load_model(base, choose_precision("float32"), quantization)
    return PeftModel.from_pretrained(model, str(run.adapter)).eval()


def step_by_step(model: Any, ids: list[int]) -> list[int]:
    """Greedy tokens by one whole forward pass each: no cache, no generate."""
    said: list[int] = []
    with torch.no_grad():
        while len(said) < TOKENS and 2 not in said:
            said.append(int(model(input_ids=torch.tensor([ids + said])).logits[0, -1].argmax()))
    return said


def answers(voices: Voices, rows: list[Row]) -> list[list[int]]:
    said: list[list[int]] = [[] for _ in rows]

    def heard(step: dict[int, int]) -> None:
        for place, token in step.items():
            said[place].append(token)

    generate(voices, rows, Settings(max_new_tokens=TOKENS), heard, lambda: False)
    return said


@pytest.fixture(scope="module")
def of_base(base: Path) -> list[int]:
    return step_by_step(AutoModelForCausalLM.from_pretrained(base).eval(), prompt_ids(make_tokenizer(), SAID))


@pytest.fixture(scope="module")
def engine() -> Engine:
    """One for all methods, so that each finds what others left in memory."""
    return Engine()


@pytest.mark.parametrize("name", NAMES)
def test_it_answers_as_a_fresh_load_of_it(name: str, engine: Engine, base: Path, of_base, tmp_path: Path) -> None:
    run = made(tmp_path / name, base, name)
    voices = engine.load(run)
    ids = prompt_ids(voices.tokenizer, SAID)
    short = prompt_ids(voices.tokenizer, [{"role": "user", "content": "Hi."}])
    fresh = freshly_loaded(run, base)
    tuned = step_by_step(fresh, ids)
    plain = of_base if run.recipe.method.quantization(torch.float32) is None else None
    together = answers(voices, [Row(ids, False), Row(ids, True), Row(short, True)])
    assert together[1] == tuned
    assert together[2] == step_by_step(fresh, short), "padding changes nothing"
    assert together[0] != together[1], "the random numbers change what is said"
    if plain is not None:
        assert together[0] == plain
    assert answers(voices, [Row(ids, True)]) == [tuned]


@pytest.mark.parametrize("room", [True, False], ids=["side by side", "in turn"])
def test_a_whole_model_and_its_base(room: bool, base: Path, of_base, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(engine_module, "_fits", lambda folder: room)
    engine, notes = Engine(), []
    run = made(tmp_path / "full", base, "full")
    voices = engine.load(run, notes.append)
    ids = prompt_ids(voices.tokenizer, SAID)
    tuned = step_by_step(freshly_loaded(run, base), ids)
    for _ in range(2):
        assert answers(voices, [Row(ids, False), Row(ids, True)]) == [of_base, tuned]
    loads = [note.split()[2] for note in notes if note.startswith("Loading")]
    assert loads == (["model", "base"] if room else ["model", "base", "model"]), "the one in memory answers first"
    assert any("in turn" in note for note in notes) is not room
    both = engine._model is not None and engine._whole is not None
    assert both is room


def test_a_changed_result_is_loaded_anew_and_an_adapter_shares_the_base(run: Run, base: Path, tmp_path: Path) -> None:
    engine, notes = Engine(), []
    full = made(tmp_path / "full", base, "full")
    voices = engine.load(full, notes.append)
    ids = prompt_ids(voices.tokenizer, SAID)
    first = answers(voices, [Row(ids, False), Row(ids, True)])
    adapted = engine.load(run, notes.append)
    assert answers(adapted, [Row(ids, False)]) == first[:1]
    assert answers(engine.load(full, notes.append), [Row(ids, False), Row(ids, True)]) == first
    again = made(tmp_path / "again", base, "full", seed=2)
    full.model.rename(tmp_path / "old")
    again.model.rename(full.model)
    assert answers(engine.load(full, notes.append), [Row(ids, True)]) != first[1:]
    assert sum("Loading the base" in note for note in notes) == 1
