"""`export`: the kind that a run left is taken away, and the other kind is refused with words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from zipfile import ZipFile

import pytest

from studio.__main__ import main
from studio.run.submit import submit


@pytest.fixture
def left(home, make_recipe, tiny_base: Path):
    """`left("full")`: a run of that method with a result, which here is the base itself in the result's place."""

    def make(method: str):
        run = submit(home, make_recipe({"method.name": method}))
        result = run.path / run.recipe.method.keeps
        shutil.copytree(tiny_base, result)
        if result == run.adapter:
            (result / "model.safetensors").rename(result / "adapter_model.safetensors")
            (result / "config.json").write_text("{}")
            settings = {"peft_type": "LORA", "base_model_name_or_path": str(tiny_base), "tokenizer_name_or_path": "/x"}
            (result / "adapter_config.json").write_text(json.dumps(settings))
        return run

    return make


@pytest.mark.parametrize(("method", "kind"), [("lora", "adapter"), ("full", "model"), ("delta-lora", "model")])
def test_what_a_run_left_is_taken_away(method, kind, left, home, tmp_path, capsys, tiny_base):
    run = left(method)
    where = ["--to", str(tmp_path / "out"), "--home", str(home.root), "--json"]
    assert main(["export", run.name, *where]) == 0
    unsaid = json.loads(capsys.readouterr().out)
    assert main(["export", run.name, "--as", kind, *where]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == unsaid
    assert Path(said["path"]).name == f"{run.name}-{kind}.zip"
    with ZipFile(said["path"]) as archive:
        names = set(archive.namelist())
        texts = "".join(archive.read(name).decode() for name in names if not name.endswith(".safetensors"))
        readme = archive.read("README.md").decode()
    assert {"README.md", "recipe.yaml", "tokenizer.json", "config.json"} <= names
    assert ("model.safetensors" in names) is (kind == "model")
    assert str(tiny_base) not in texts
    assert ("PeftModel" in readme) is (kind == "adapter")
    assert ("peft" in readme) is (kind == "adapter")


@pytest.mark.parametrize(
    ("method", "other", "words"),
    [
        ("lora", "model", "leaves an adapter beside its base. Take it with --as adapter"),
        ("full", "adapter", "moves the base itself and leaves a whole model. Take it with --as model"),
        ("delta-lora", "adapter", "Take it with --as model"),
    ],
)
def test_the_other_kind_is_refused_with_words(method, other, words, left, home, tmp_path, capsys):
    run = left(method)
    assert main(["export", run.name, "--as", other, "--to", str(tmp_path / "out"), "--home", str(home.root)]) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_run_goes_out_as_one_file_and_comes_in_elsewhere(left, home, tmp_path, capsys):
    run = left("lora")
    assert main(["export", run.name, "--as", "run", "--to", str(tmp_path), "--home", str(home.root), "--json"]) == 0
    path = json.loads(capsys.readouterr().out)["path"]
    assert main(["import", path, "--home", str(tmp_path / "elsewhere"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["run"], told["status"]) == (run.name, "paused"), "it had not begun, and does not begin by itself there"
    assert Path(told["folder"], "adapter", "adapter_model.safetensors").is_file()
    assert main(["import", str(run.path / "recipe.yaml"), "--home", str(home.root)]) == 1
    assert "not a whole run file" in capsys.readouterr().err


def test_a_strength_is_for_adapters_and_within_bounds(left, home, tmp_path, capsys):
    name, where = left("lora").name, ["--to", str(tmp_path), "--home", str(home.root)]
    assert main(["export", name, "--as", "run", "--strength", "0.5", *where]) == 1
    assert "Set --as adapter" in capsys.readouterr().err
    assert main(["export", name, "--strength", "2", *where]) == 1
    assert "0 is the base and 1.5 the most" in capsys.readouterr().err
    assert main(["export", left("full").name, "--strength", "0.5", *where]) == 1
    assert "has no adapter to save at a strength" in capsys.readouterr().err
