"""`train RECIPE`: queue it, wait for it, print the folder last; or say why not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.__main__ import main
from studio.cli.parser import parse
from studio.cli.train import asked_recipe
from studio.errors import StudioError
from studio.recipe.presets import preset_named
from studio.run.directory import Run, Status, list_runs


@pytest.fixture
def recipe_file(make_recipe, tmp_path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(make_recipe({"training.max_steps": 3}).to_yaml(), "utf-8")
    return path


def test_a_recipe_is_trained_in_a_child_and_its_folder_printed_last(studio, recipe_file, home):
    done = studio("train", recipe_file)
    assert done.returncode == 0, done.stderr
    (run,) = list_runs(home)
    assert done.stdout == f"{run.path}\n"
    assert run.status() is Status.FINISHED
    assert run.adapter.is_dir()
    assert "training ..." in done.stderr
    assert "18 rows, 3 steps" in done.stderr
    assert "held-out loss" in done.stderr
    assert "Traceback" not in done.stderr


def test_as_json_it_is_one_object_and_nothing_else(recipe_file, home, capfd):
    arguments = ["train", str(recipe_file), "--json", "--launcher", "thread", "--home", str(home.root)]
    assert main([*arguments, "--set", "training.seed=5"]) == 0
    facts = json.loads(capfd.readouterr().out)
    assert {"run", "folder", "status", "train_loss", "eval_loss", "tokens_per_second"} <= set(facts)
    assert [step for step, _ in facts["train_loss"]] == [1, 2, 3]
    assert all(loss > 0 for _, loss in facts["train_loss"])
    assert facts["eval_loss"][0][0] == 0
    assert facts["tokens_per_second"] > 0
    assert facts["status"] == "finished"
    assert Run(Path(facts["folder"])).recipe.training.seed == 5


def test_a_run_that_fails_is_status_1_with_the_reason(recipe_file, home, tmp_path, capfd):
    rows = tmp_path / "long.csv"
    rows.write_text("prompt,completion\n" + "".join(f"{'long ' * 30}{n},{n}\n" for n in range(6)), "utf-8")
    arguments = ["train", str(recipe_file), "--data", str(rows), "--set", "training.max_length=16", "--json"]
    assert main([*arguments, "--launcher", "thread", "--home", str(home.root)]) == 1
    printed = capfd.readouterr()
    assert json.loads(printed.out)["status"] == "failed"
    assert printed.err.splitlines()[-1].startswith("No training row is left")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no-such-preset"], "There is no preset 'no-such-preset'"),
        (["none.yaml"], "The recipe none.yaml cannot be read"),
        (["starter", "--set", "training.speed=9"], "training.speed, but the recipe has no such option"),
        (["starter", "--set", "training.epochs"], "has no ="),
        (["starter", "--set", "training.epochs=many"], "You set training.epochs to 'many'"),
        (["starter", "--set", "method.name=magic"], "the methods are 'lora', 'rslora'"),
        (["starter", "--set", "="], "You set"),
        (["starter", "--data", "none.csv"], "none.csv"),
        (["style", "--data", "assets/samples/tickets/train.jsonl", "--model", "/no/such/folder"], "no such folder"),
        (["careful"], "nothing to learn from"),
    ],
)
def test_what_cannot_be_is_status_1_in_words(arguments, words, home, capsys):
    assert main(["train", *arguments, "--home", str(home.root)]) == 1
    printed = capsys.readouterr()
    assert words in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""
    assert list_runs(home) == []


def test_all_that_is_wrong_is_said_at_once(home, capsys):
    sets = ["--set", "training.epochs=0", "--set", "method.rank=0", "--set", "x.y=1"]
    assert main(["train", "starter", *sets, "--home", str(home.root)]) == 1
    error = capsys.readouterr().err
    assert all(key in error for key in ("training.epochs", "method.rank", "x"))
    assert len(error.splitlines()) == 3


def test_no_traceback_reaches_a_user(studio):
    done = studio("train", "starter", "--set", "training.speed=9")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "no such option" in done.stderr
    assert done.stdout == ""


def test_options_change_the_recipe():
    text = "train starter --model a/b --data mine.csv --set training.epochs=7 --set method.name=qlora"
    recipe = asked_recipe(parse(text.split()))
    assert (recipe.model.id, recipe.data.path, recipe.data.held_out_path) == ("a/b", "mine.csv", "")
    assert (recipe.training.epochs, recipe.method.name) == (7.0, "qlora")
    assert recipe.data.mix == (), "general rows were chosen for the rows that are left"
    held_out = asked_recipe(parse(["train", "starter", "--data", "mine.csv", "--held-out", "held.csv"]))
    assert held_out.data.held_out_path == "held.csv"
    assert asked_recipe(parse(["train", "starter"])) == preset_named("starter").recipe


def test_a_folder_of_a_presets_name_does_not_hide_the_preset(tmp_path, monkeypatch):
    (tmp_path / "starter").mkdir()
    monkeypatch.chdir(tmp_path)
    assert asked_recipe(parse(["train", "starter"])) == preset_named("starter").recipe


def test_a_recipe_file_may_have_any_name(recipe_file, tmp_path):
    other = recipe_file.rename(tmp_path / "recipe")
    assert asked_recipe(parse(["train", str(other)])).training.max_steps == 3
    with pytest.raises(StudioError, match="cannot be read"):
        asked_recipe(parse(["train", str(recipe_file)]))
