"""How a batch is divided among processes, and what is said where it cannot be or the machine has no place for them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.recipe.hardware import Gpu, Hardware
from studio.recipe.launch import LaunchPart, batch_share, fitting
from studio.recipe.methods.every import METHODS
from studio.recipe.methods.low_rank import Lora, QLora
from studio.recipe.methods.method import TuningMethod
from studio.recipe.problem import Problem
from studio.recipe.read import read_recipe
from studio.recipe.recipe import Recipe
from studio.recipe.rules import launch as rules
from studio.recipe.rules.case import Case, gathered
from studio.recipe.training import TrainingPart

NONE = Hardware(4, 2**34, 2**33)
FOUR = Hardware(32, 2**38, 2**37, (Gpu("H200", 2**37, 2**37, (9, 0)),) * 4)


def said(recipe: Recipe, hardware: Hardware | None = FOUR) -> list[Problem]:
    return gathered(rules.RULES, Case(recipe, None, hardware))


def recipe(training: TrainingPart | None = None, method=None, **launch) -> Recipe:
    return Recipe(training=training or TrainingPart(), method=method or Lora(), launch=LaunchPart(**launch))


@given(st.integers(1, 128), st.integers(1, 128), st.integers(1, 64))
def test_all_processes_together_learn_from_the_same_rows_a_step(rows, batches, processes):
    share = batch_share(TrainingPart(batch_size=rows, gradient_accumulation=batches), processes)
    if share is None:
        assert rows * batches % processes or rows % processes
    else:
        assert share.batch_size * share.gradient_accumulation * processes == rows * batches
        assert rows % share.batch_size == 0, "no process holds more rows at once than one alone would"


def test_accumulation_is_divided_before_the_rows():
    share = batch_share(TrainingPart(batch_size=8, gradient_accumulation=4), 8)
    assert (share.batch_size, share.gradient_accumulation) == (4, 1)
    assert fitting(TrainingPart(batch_size=6), 6) == [1, 2, 3, 6]


def test_a_recipe_that_says_nothing_of_it_is_one_process_and_has_no_problem():
    assert read_recipe("training: {epochs: 1}").launch == LaunchPart()
    assert not said(Recipe(), NONE)
    assert not said(Recipe(), FOUR)
    assert not said(recipe(processes=4), FOUR)
    assert not said(recipe(processes=4, strategy="fsdp2", offload=True), FOUR)


Check = Callable[[Problem], bool]


@pytest.mark.parametrize(
    ("asked", "hardware", "words", "severity"),
    [
        (recipe(processes=8), FOUR, "this machine has 4 GPUs. Set it to 4", "error"),
        (recipe(processes=8), NONE, "this machine has 4 CPU cores", "error"),
        (recipe(processes=2), NONE, "has no GPU: one process uses all CPU cores", "warning"),
        (recipe(TrainingPart(batch_size=7), processes=2), FOUR, "size to 8, or the processes to 1", "error"),
        (recipe(processes=2, strategy="fsdp2"), NONE, "among GPUs, but this machine has none", "error"),
        (recipe(strategy="fsdp2"), FOUR, "there is one process", "warning"),
        (recipe(processes=2, strategy="fsdp2", method=QLora()), FOUR, "kept in few bits", "error"),
        (recipe(processes=2, offload=True), FOUR, "every GPU keeps the whole model", "error"),
        (
            recipe(TrainingPart(optimizer="adamw-8bit"), processes=2, strategy="fsdp2"),
            FOUR,
            "Set it to AdamW",
            "error",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_with_a_way_out(asked, hardware, words, severity):
    found = [problem for problem in said(asked, hardware) if words in problem.message]
    assert len(found) == 1, [problem.message for problem in said(asked, hardware)]
    assert found[0].severity == severity
    assert found[0].moves


def test_deepspeed_that_is_not_there(monkeypatch):
    monkeypatch.setattr(rules, "find_spec", lambda name: None)
    (problem,) = said(recipe(processes=2, strategy="zero2"))
    assert "pip install deepspeed" in problem.message
    monkeypatch.setattr(rules, "find_spec", lambda name: object())
    assert not said(recipe(processes=2, strategy="zero2"))


@pytest.mark.parametrize("kind", METHODS, ids=lambda kind: kind.__name__)
def test_methods_that_work_on_whole_weights_are_not_cut_up(kind):
    problems = said(recipe(method=kind(), processes=2, strategy="zero2"))
    assert any("works on whole weights" in each.message for each in problems) == (not kind.works_sharded)
    own = [hook for hook in ("optimizer", "state", "result") if getattr(kind, hook) is not getattr(TuningMethod, hook)]
    assert not (own and kind.works_sharded), f"{own} take whole weights"
