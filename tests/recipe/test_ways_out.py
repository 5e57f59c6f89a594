"""What is offered against a failure helps against it, and makes a recipe that can be read."""

from __future__ import annotations

from typing import get_args

import pytest

from studio.recipe.methods.whole import Full
from studio.recipe.read import changed
from studio.recipe.recipe import Recipe, TrainingPart
from studio.recipe.ways_out import ways_out
from studio.run.events import Cause


def test_less_memory_with_the_same_effective_batch() -> None:
    recipe = Recipe(training=TrainingPart(batch_size=6, gradient_accumulation=2))
    first = changed(recipe, ways_out("memory", recipe)[0].changes).training
    assert (first.batch_size, first.gradient_accumulation) == (3, 4)


def test_a_batch_of_one_is_not_halved() -> None:
    recipe = Recipe(training=TrainingPart(batch_size=1, gradient_checkpointing=True, max_length=64), method=Full())
    assert [move.changes for move in ways_out("memory", recipe)] == [{"method.name": "lora"}]


def test_a_loss_that_ran_away_wants_a_lower_rate_first() -> None:
    recipe = Recipe(training=TrainingPart(learning_rate=0.3, max_grad_norm=0))
    moves = ways_out("not-a-number", recipe)
    assert moves[0].changes == {"training.learning_rate": 0.1}
    assert moves[1].changes == {"training.max_grad_norm": 1.0}


@pytest.mark.parametrize("cause", get_args(Cause))
def test_every_way_out_is_a_recipe_that_differs(cause: str) -> None:
    recipe = Recipe(training=TrainingPart(epochs=3))
    for move in ways_out(cause, recipe):
        assert changed(recipe, move.changes) != recipe, move


def test_against_learning_by_heart_the_run_ends_earlier_or_learns_less_of_each_row() -> None:
    recipe = Recipe(training=TrainingPart(epochs=6))
    changes = [move.changes for move in ways_out("overfitting", recipe)]
    assert changes == [{"training.early_stopping": 3}, {"training.epochs": 3.0}, {"method.dropout": 0.1}]
    careful = Recipe(training=TrainingPart(epochs=1, early_stopping=2), method=Full())
    assert not ways_out("overfitting", careful)


def test_forgetting_is_held_back_by_general_data_or_a_lower_rate():
    recipe = changed(Recipe(), {"training.learning_rate": 3e-3, "data.path": "mine.csv"})
    general, slower = ways_out("forgetting", recipe)
    assert general.label == "10% general data mixed in"
    mixed = changed(recipe, general.changes).data.mix
    assert [(mix.path, mix.weight, mix.held_out) for mix in mixed] == [("assets/general/general.jsonl", 0.1, False)]
    (twice, *_) = ways_out("forgetting", changed(recipe, general.changes))
    assert changed(recipe, twice.changes).data.mix[0].weight == 0.2, "more of it, and not the set a second time"
    assert slower.changes == {"training.learning_rate": 1e-3}
    assert len(ways_out("forgetting", changed(recipe, {"model.id": "Qwen/Qwen3-0.6B"}))) == 1, "it knew other things"
