"""Two real steps, and what they leave behind: nothing."""

from __future__ import annotations

import pytest

from studio.run.directory import list_runs
from studio.run.rehearsal.steps import two_steps
from studio.run.submit import prepare_part
from tests.tiny_run import one_thread


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


def test_the_longest_row_fills_the_batch(home, make_recipe):
    recipe = make_recipe({"training.batch_size": 4, "training.gradient_accumulation": 2, "training.save_steps": 1})
    prepared = prepare_part(recipe.data, home)
    said = []
    took = two_steps(recipe, prepared, home, lambda what, done, total: said.append((what, done, total)))
    assert (took.batch, took.rows) == (4, len(prepared.train))
    texts = [f"user\nColour {n}?assistant\ngreen" for n in (22, 23)]
    assert took.longest >= len(texts[0])
    assert took.peak_bytes > 2**26
    assert took.step_seconds > 0
    assert said[-1] == ("Real steps on the longest rows", 2, 2)
    assert list_runs(home) == []
    assert list(home.runs.iterdir()) == []


def test_a_batch_holds_no_more_rows_than_there_are(home, make_recipe):
    recipe = make_recipe({"training.batch_size": 64})
    prepared = prepare_part(recipe.data, home)
    assert two_steps(recipe, prepared, home, lambda *_: None).batch == len(prepared.train)


def test_the_longest_pair_of_answers_counts_its_longer_one(home, make_recipe):
    recipe = make_recipe({"task.name": "direct-preference", "data.path": "assets/samples/votes/train.jsonl"})
    prepared = prepare_part(recipe.data, home)
    took = two_steps(recipe, prepared, home, lambda *_: None)
    said = [len(each.prompt) + max(len(each.completion), len(each.rejected)) for each in prepared.train]
    assert max(said) < took.longest < max(said) + 30, "a token a letter, and the template around them"
