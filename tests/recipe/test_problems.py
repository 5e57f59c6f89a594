"""Everything between a recipe and its run is said at once, each with the option to change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.data.dataset import prepare
from studio.data.division.mix import GENERAL
from studio.data.part import DataPart
from studio.home import STARTER
from studio.recipe.hardware import Gpu, Hardware
from studio.recipe.problems import Figures, problems
from studio.recipe.read import changed
from studio.recipe.recipe import Recipe
from tests.recipe.tiny_model import CONFIG, safetensors

GIB = 2**30
LAPTOP = Hardware(cores=2, memory_bytes=16 * GIB, memory_free_bytes=8 * GIB)
GPU = Hardware(8, 64 * GIB, 60 * GIB, (Gpu("H200", 24 * GIB, 24 * GIB, (9, 0)),))


@pytest.fixture
def prepared(pairs_file: Path):
    return prepare(DataPart(path=str(pairs_file)))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A whole model folder with a context of 64 tokens."""
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(safetensors({"a": ("BF16", [4, 8])}))
    return tmp_path


def found(recipe, prepared, hardware=LAPTOP) -> dict[str, str]:
    return {problem.option: problem.message for problem in problems(recipe, prepared, hardware)}


def test_a_good_recipe_has_none(prepared):
    assert problems(Recipe(), prepared, LAPTOP) == []
    assert problems(changed(Recipe(), {"method.name": "qlora"}), prepared, GPU) == []


def test_all_of_them_at_once(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    recipe = changed(Recipe(), {"model.id": str(tmp_path), "training.precision": "float16"})
    words = found(recipe, None)
    assert set(words) == {"data.path", "model.id", "training.precision"}
    assert "nothing to learn from" in words["data.path"]
    assert "no weights" in words["model.id"]
    assert "a CPU trains badly" in words["training.precision"]


def test_every_message_says_what_to_do(tmp_path):
    recipe = changed(Recipe(), {"model.id": str(tmp_path), "training.precision": "float16"})
    for problem in problems(recipe, None, LAPTOP):
        assert problem.message.endswith(".")
        assert problem.severity == "error"
        assert any(word in problem.message for word in ("Set ", "Choose ", "Upload ")), problem.message


@pytest.mark.parametrize(("longest", "refused"), [(64, False), (65, True)])
def test_a_row_longer_than_the_model_was_made_for(longest, refused, model, prepared):
    recipe = changed(Recipe(), {"model.id": str(model), "training.max_length": longest})
    words = found(recipe, prepared)
    assert ("training.max_length" in words) is refused
    if refused:
        assert "65 tokens" in words["training.max_length"]
        assert "Set it to 64 or less" in words["training.max_length"]


def test_float16_is_for_gpus(prepared):
    recipe = changed(Recipe(), {"training.precision": "float16"})
    assert set(found(recipe, prepared)) == {"training.precision"}
    assert found(recipe, prepared, GPU) == {}


@pytest.mark.parametrize(
    ("method", "hardware", "refused"),
    [
        ("lora", GPU, False),
        ("lora", LAPTOP, True),
        ("qlora", LAPTOP, False),
        ("lora", Hardware(8, 64 * GIB, 60 * GIB, (Gpu("T4", 8 * GIB, 8 * GIB, (7, 5)),)), True),
    ],
)
def test_weights_that_do_not_fit_are_refused_before_they_are_fetched(method, hardware, refused, prepared):
    recipe = changed(Recipe(), {"model.id": "Qwen/Qwen3-8B", "method.name": method})
    words = found(recipe, prepared, hardware)
    assert ("model.id" in words) is refused
    if refused:
        assert "QLoRA" in words["model.id"]


def test_a_model_that_the_catalogue_does_not_know_is_left_to_the_run(prepared):
    assert found(changed(Recipe(), {"model.id": "someone/something"}), prepared) == {}


def test_rows_that_cannot_be_trained_on(tmp_path):
    path = tmp_path / "empty.csv"
    path.write_text("prompt,completion\nonly,\n", "utf-8")
    prepared = prepare(DataPart(path=str(path)))
    assert found(Recipe(), prepared)["data.path"] == "\n".join(prepared.report.errors)


def test_more_rows_a_step_than_there_are_is_only_a_warning(prepared):
    recipe = changed(Recipe(), {"training.batch_size": 16, "training.gradient_accumulation": 2})
    (problem,) = problems(recipe, prepared, LAPTOP)
    assert (problem.option, problem.severity) == ("training.batch_size", "warning")
    assert f"You set 32 rows a step, but there are only {len(prepared.train)} training rows" in problem.message


def test_the_starter_is_a_model(prepared):
    assert found(changed(Recipe(), {"model.id": str(STARTER)}), prepared) == {}


def test_more_directions_than_rows_to_show_them(prepared):
    rows = len(prepared.train)
    fine, wide = (changed(Recipe(), {"method.rank": rank}) for rank in (rows, 2 * rows))
    assert "method.rank" not in found(fine, prepared)
    assert f"Set it to {rows} or less" in found(wide, prepared)["method.rank"]


BERT = "google-bert/bert-base-uncased"
WITH_BUTTONS = [
    ({"method.name": "p-tuning", "task.name": "masked-language-modeling", "model.id": BERT}, "method.name", "error",
     {}),
    ({"method.name": "prefix-tuning", "training.gradient_checkpointing": True}, "training.gradient_checkpointing",
     "error", {}),
    ({"training.packing": True, "method.name": "prompt-tuning", "training.learning_rate": 1e-2}, "training.packing",
     "error", {}),
    ({"method.name": "qlora"}, "method.name", "warning", {}),
    ({"training.optimizer": "paged-adamw-8bit"}, "training.optimizer", "warning", {}),
    ({"training.precision": "float16"}, "training.precision", "error", {}),
    ({"training.learning_rate": 0.9}, "training.learning_rate", "warning", {}),
    ({"training.warmup_steps": 500}, "training.warmup_steps", "warning", {}),
    ({"training.save_steps": 500}, "training.save_steps", "warning", {}),
    ({"training.batch_size": 64}, "training.batch_size", "warning", {}),
    ({"training.epochs": 0.1}, "training.epochs", "warning", {}),
    ({"training.early_stopping": 3, "training.evaluations": 0}, "training.evaluations", "error", {}),
    ({"model.id": BERT}, "task.name", "error", {}),
    ({"model.id": "owner/name", "data.mix": [{"path": GENERAL}]}, "data.mix", "warning", {}),
    ({"task.name": "masked-language-modeling"}, "task.name", "error", {}),
    ({}, "training.batch_size", "warning", {"need": 9 * GIB, "capacity": 8 * GIB}),
    ({"training.save_steps": 2, "training.saves_kept": 5}, "training.saves_kept", "warning",
     {"stored": GIB, "disk": 0, "trainable": 10**6}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "option", "severity", "figures"), WITH_BUTTONS, ids=[str(c[0]) for c in WITH_BUTTONS]
)
def test_a_problem_has_buttons_that_solve_it(changes, option, severity, figures, prepared):
    changes = {"training.learning_rate": 5e-3} | changes
    recipe = changed(Recipe(), changes)
    (problem,) = [each for each in problems(recipe, prepared, LAPTOP, Figures(**figures)) if each.option == option]
    if option != "training.saves_kept":
        assert problem.severity == severity
    assert problem.message.endswith(".")
    assert problem.moves
    for move in problem.moves:
        after = changed(recipe, move.changes)
        assert after != recipe
        if not figures:  # what a forecast says of the change comes later
            left = [each.message for each in problems(after, prepared, LAPTOP)]
            assert problem.message not in left, move.label


def test_what_goes_by_held_out_rows_needs_some(pairs_file):
    alone = prepare(DataPart(path=str(pairs_file), held_out_share=0))
    (problem,) = problems(Recipe(), alone, LAPTOP)
    assert (problem.option, problem.severity) == ("data.held_out_share", "warning")
    for changes in ({"training.early_stopping": 2}, {"training.keep_best": True},
                    {"training.schedule": "reduce_lr_on_plateau"}):  # fmt: skip
        recipe = changed(Recipe(), changes)
        (problem,) = problems(recipe, alone, LAPTOP)
        assert problem.severity == "error"
        hold_out, off = problem.moves
        assert hold_out.changes == {"data.held_out_share": 0.1}
        assert all(each.severity != "error" for each in problems(changed(recipe, off.changes), alone, LAPTOP))


def test_classification_needs_classes(tmp_path, pairs_file):
    recipe = changed(Recipe(), {"task.name": "sequence-classification", "task.most_classes": 3})
    assert "4 different texts" in found(recipe, prepare(DataPart(path=str(pairs_file))))["task.name"]
    one, text = tmp_path / "one.csv", tmp_path / "plain.txt"
    one.write_text("prompt,completion\n" + "".join(f"colour {n} of them,red\n" for n in range(9)), "utf-8")
    text.write_text("\n\n".join(f"The tide comes in at {n}." for n in range(30)), "utf-8")
    assert "all rows are of one class" in found(recipe, prepare(DataPart(path=str(one))))["data.completion_column"]
    assert "plain text" in found(recipe, prepare(DataPart(path=str(text))))["task.name"]


def test_a_rank_beyond_the_smallest_matrix(tiny_base, prepared):
    recipe = changed(Recipe(), {"model.id": str(tiny_base), "method.rank": 33, "training.max_length": 128})
    rows = prepare(DataPart(path="assets/samples/tickets/train.jsonl"))
    (problem,) = [each for each in problems(recipe, rows, LAPTOP) if each.option == "method.rank"]
    assert "32 rows or columns" in problem.message  # keys and values of two heads of 16
    assert problem.moves[0].changes["method.rank"] == 32
    assert "method.rank" not in found(changed(recipe, problem.moves[0].changes), rows)
