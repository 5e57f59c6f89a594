"""Advice: each rule speaks where it should, is silent where the recipe follows it, and its buttons silence it."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.data.dataset import Prepared, prepare
from studio.data.part import DataPart
from studio.recipe.advice import RULES, advice
from studio.recipe.hardware import Gpu, Hardware
from studio.recipe.read import changed
from studio.recipe.recipe import Recipe
from studio.recipe.rules.case import Figures

GIB = 2**30
GPU = Hardware(8, 64 * GIB, 60 * GIB, (Gpu("L4", 24 * GIB, 24 * GIB, (8, 9)),))
SMALL = "HuggingFaceTB/SmolLM2-135M-Instruct"
LARGE = "Qwen/Qwen3-8B"
FITTING = {"model.id": LARGE, "training.learning_rate": 1e-4}


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> dict[int, Prepared]:
    """Rows by how many are trained on: 60, and 900 with 100 held out. Each answer is another."""
    made = {}
    for count, share in ((60, 0.0), (60, 0.1), (1000, 0.1)):
        path: Path = tmp_path_factory.mktemp("rows") / "rows.csv"
        words = [f"What is {n} and {n * 7 + 1} in all?,Both make {n * 8 + 1} together" for n in range(count)]
        path.write_text("\n".join(["prompt,completion", *words]), "utf-8")
        made[count if share or count != 60 else 0] = prepare(DataPart(path=str(path), held_out_share=share))
    return made


CASES = [
    ("learning_rate", 1000, {"training.learning_rate": 2e-3}, {}),
    ("learning_rate", 1000, {"method.name": "full", "training.learning_rate": 1e-4}, {}),
    ("epochs", 1000, {"training.epochs": 10}, {}),
    ("epochs", 60, {"training.epochs": 1}, {}),
    ("lora_batch", 1000, {"training.batch_size": 64}, {}),
    ("warm_up", 1000, {"training.warmup": 0}, {}),
    ("constant_schedule", 1000, {"training.schedule": "constant"}, {}),
    ("weight_decay", 1000, {"training.weight_decay": 0.3}, {}),
    ("every_layer", 1000, {"method.layers": "attention"}, {}),
    ("rank_for_tokens", 1000, {"method.rank": 4, "method.alpha": 8}, {"trainable": 10_000, "tokens": 100_000}),
    ("alpha", 1000, {"method.alpha": 256}, {}),
    ("stable_rank", 1000, {"method.rank": 256, "method.alpha": 512}, {}),
    ("dropout", 60, {"training.epochs": 20, "training.batch_size": 1}, {}),
    ("delta_start", 1000, {"method.name": "delta-lora", "method.start_step": 5000, "data.mix": ()}, {}),
    ("forgetting", 1000, {"method.name": "full", "training.learning_rate": 1e-5}, {}),
    ("few_bits_first", 1000, {}, {"need": 40 * GIB, "capacity": 24 * GIB}),
    ("base_for_prompts", 1000, {"method.name": "prompt-tuning", "model.id": SMALL}, {}),
    ("held_out_rows", 60, {}, {}),
    ("longest_row", 1000, {"training.max_length": 64}, {"longest": 300}),
]


def of_rule(name: str, recipe: Recipe, prepared: Prepared, figures: dict[str, int]) -> list:
    (rule,) = [rule for rule in RULES if rule.__name__ == name]
    from studio.recipe.rules.case import Case

    return list(rule(Case(recipe, prepared, GPU, Figures(**figures))))


@pytest.mark.parametrize(("name", "count", "changes", "figures"), CASES, ids=[case[0] for case in CASES])
def test_a_rule_speaks_and_its_buttons_silence_it(name, count, changes, figures, rows):
    recipe = changed(Recipe(), FITTING | changes)
    (problem,) = of_rule(name, recipe, rows[count], figures)
    assert problem.severity == "advice"
    assert problem.source
    assert problem.message.endswith(".")
    assert problem in advice(recipe, rows[count], Figures(**figures), GPU)
    for move in problem.moves:
        after = changed(recipe, move.changes)
        assert after != recipe
        if name == "held_out_rows" or (name, move.label) == ("rank_for_tokens", "Rank 64"):
            continue  # the rows, or what they are counted from, follow later
        assert of_rule(name, after, rows[count], figures) == [], move.label


def test_every_rule_is_tested():
    assert {rule.__name__ for rule in RULES} - {case[0] for case in CASES} == {"labels"}


def test_a_recipe_by_the_book_gets_none(rows):
    recipe = changed(Recipe(), FITTING)
    assert advice(recipe, rows[1000], Figures(tokens=10_000, trainable=10**7, longest=300), GPU) == []


def test_classes_want_a_head(tmp_path):
    path = tmp_path / "rows.csv"
    letters = "\n".join(f"The weather report of day number {n},{('sun', 'rain')[n % 2]}" for n in range(60))
    path.write_text(f"text,label\n{letters}\n", "utf-8")
    prepared = prepare(DataPart(path=str(path)))
    (problem,) = of_rule("labels", changed(Recipe(), FITTING), prepared, {})
    recipe = changed(changed(Recipe(), FITTING), problem.moves[0].changes)
    assert recipe.task.name == "sequence-classification"
    assert of_rule("labels", recipe, prepared, {}) == []


def test_without_rows_or_a_known_base_nothing_is_made_up():
    assert advice(changed(Recipe(), {"model.id": "someone/something"}), None) == []
