"""The stand-alone script of a run, run bare in a process of its own, gives the run's losses to the last bit."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from studio.recipe.methods.every import METHODS, name_of
from studio.recipe.presets import presets
from studio.recipe.read import changed
from studio.recipe.recipe import Recipe
from studio.run.directory import Run
from studio.run.submit import submit
from studio.share.script import Known, script
from studio.share.script_zip import zip_script
from tests.tiny_encoder import make_encoder
from tests.tiny_run import one_thread

SHORT = {"training.max_steps": 3, "training.evaluations": 1, "training.evaluation_rows": 3, "training.batch_size": 3}
STARTER = {
    "model.id": "starter",
    "data.path": "assets/samples/tickets/train.jsonl",
    "data.held_out_path": "assets/samples/tickets/held_out.jsonl",
    "training.learning_rate": 5e-3,
}
VOTES = {"data.path": "assets/samples/votes/train.jsonl", "data.held_out_path": "assets/samples/votes/held_out.jsonl"}
TALKS = [
    {"messages": [{"role": who, "content": f"{word} {n}"} for who, word in
                  (("user", "Hail"), ("assistant", "Well met"), ("user", "Again"), ("assistant", "And again"))]}
    for n in range(12)
]  # fmt: skip
CASES: dict[str, dict[str, object]] = {
    "lora on the starter": {**STARTER, "method.dropout": 0.1, "training.label_smoothing": 0.1},
    "full": {"method.name": "full", "training.group_by_length": True, "training.early_stopping": 1},
    "lora-plus": {"method.name": "lora-plus"},
    "prompt-tuning": {"method.name": "prompt-tuning", "method.start": "text", "method.text": "Say the colour"},
    "delta-lora": {"method.name": "delta-lora"},
    "adalora": {"method.name": "adalora", "training.optimizer": "rmsprop", "training.schedule": "polynomial"},
    "preferences": {**VOTES, "task.name": "direct-preference", "task.sft_share": 0.2, "training.group_by_length": True},
    "preferences by a soft prompt": {**VOTES, "task.name": "direct-preference", "method.name": "p-tuning"},
    "classification": {"task.name": "sequence-classification", "task.balance": True},
    "masked": {"task.name": "masked-language-modeling"},
    "conversations": {"data.path": "talks.jsonl"},
    "last answers": {"data.path": "talks.jsonl", "data.mapped.train_on": "last answer"},
    "chunks": {"data.path": "field.txt", "data.chunks.by": "tokens", "data.chunks.length": 32},
    "packing": {"training.packing": True, "training.batch_size": 1},
}
USUAL = ("lora on the starter", "full", "prompt-tuning", "preferences", "classification", "masked", "packing")
GROUPS = {"usual": USUAL, "rare": tuple(name for name in CASES if name not in USUAL)}
SLOW = {"usual": (), "rare": (pytest.mark.slow,)}
EACH = [pytest.param(group, name, marks=SLOW[group]) for group, names in GROUPS.items() for name in names]
RUN_ALL = """
import contextlib, runpy, sys
for folder in sys.argv[1:]:
    sys.argv = ["train.py", open(f"{folder}/base").read()]
    with open(f"{folder}/out", "w") as out, contextlib.redirect_stdout(out):
        runpy.run_path(f"{folder}/train.py", run_name="__main__")
"""


def measured(run: Run) -> list[tuple[int, str, float]]:
    kinds = ("loss", "eval_loss", "grad_norm")
    metrics = [event for event in run.events()[0] if event.kind == "metrics"]
    return [(event.step, kind, event.values[kind]) for event in metrics for kind in kinds if kind in event.values]


def printed(path: Path) -> list[tuple[int, str, float]]:
    lines = [json.loads(line) for line in path.read_text().splitlines() if line.startswith('{"step"')]
    return [
        (line["step"], kind, line[kind])
        for line in lines
        for kind in ("loss", "eval_loss", "grad_norm")
        if kind in line
    ]


@pytest.fixture(scope="module")
def losses(request, tmp_path_factory, make_recipe, tiny_base):
    """Of each case of a group, the losses of the run and those that its script printed. All run in one process."""
    from studio.home import open_home
    from studio.run.train import train

    root = tmp_path_factory.mktemp("scripts")
    tiny_encoder = make_encoder(root / "encoder")
    home = open_home(root / "home")
    (root / "talks.jsonl").write_text("".join(json.dumps(talk) + "\n" for talk in TALKS))
    (root / "field.txt").write_text("\n\n".join(f"Chapter {n}. The tide comes in at {n}." for n in range(40)))
    runs: dict[str, Run] = {}
    folders: dict[str, Path] = {}
    with one_thread():
        for name in GROUPS[request.param]:
            changes = CASES[name]
            base = tiny_encoder if name == "masked" else tiny_base
            changes = {**SHORT, "model.id": str(base), **changes}
            if (path := str(changes.get("data.path", ""))) in ("talks.jsonl", "field.txt"):
                changes["data.path"] = str(root / path)
            run = runs[name] = submit(home, make_recipe(changes))
            train(run)
            assert run.status() == "finished", run.ended()
            folder = folders[name] = root / name.replace(" ", "-")
            with ZipFile(zip_script(home, run, root / "zips")) as archive:
                archive.extractall(folder)
            own = folder / "starter"
            (folder / "base").write_text(str(own if own.is_dir() else base))
        done = subprocess.run(
            [sys.executable, "-c", RUN_ALL, *map(str, folders.values())],
            capture_output=True, text=True, timeout=300, cwd=root, env={**os.environ, "PYTHONPATH": ""},
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return {name: (measured(runs[name]), printed(folders[name] / "out"), folders[name]) for name in runs}


@pytest.mark.parametrize(("losses", "name"), EACH, indirect=["losses"], scope="module")
def test_it_gives_the_losses_of_the_run(name, losses):
    run, bare, folder = losses[name]
    assert len(run) >= 7
    assert bare == run
    assert any((folder / "result").glob("*.safetensors"))


@pytest.mark.parametrize("losses", ["usual"], indirect=True, scope="module")
def test_it_needs_nothing_of_the_studio_and_tells_nothing_of_this_machine(losses, tiny_base):
    for name, (_, _, folder) in losses.items():
        tree = ast.parse((folder / "train.py").read_text())
        imported = {each.module for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)}
        imported |= {alias.name for each in ast.walk(tree) if isinstance(each, ast.Import) for alias in each.names}
        assert not {module for module in imported if str(module).startswith("studio")}, name
        for file in ("train.py", "recipe.yaml"):
            assert str(tiny_base.parent) not in (folder / file).read_text(), (name, file)
        assert "torch==" in (folder / "requirements.txt").read_text()


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_every_method_has_one(method, tiny_base):
    changes = {"model.id": str(tiny_base), "method.name": name_of(method), "training.precision": "float32"}
    if "text" in method.model_fields:
        changes["method.text"] = "colour"
    text = script(changed(Recipe(), changes), Known(rows=20, folder=tiny_base))
    compile(text, "train.py", "exec")
    assert text.count("\n") > 60
    assert max(map(len, text.splitlines())) <= 125 or "target_modules" in text
    assert "from studio" not in text
    used = {each.id for each in ast.walk(ast.parse(text)) if isinstance(each, ast.Name)}
    assert not {"Any", "Iterator", "TrainingArguments"} & used, "a type hint was left"


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.name)
def test_every_preset_has_one_even_without_its_base(preset):
    recipe = changed(preset.recipe, {"model.id": "someone/something", "training.precision": "float32"})
    compile(script(recipe, Known(classes=("a", "b"))), "train.py", "exec")


def test_what_a_user_wrote_is_data_and_no_program(tiny_base):
    text = '"""\nimport os; os._exit(1)\n"""'
    recipe = changed(Recipe(), {"method.name": "prompt-tuning", "method.start": "text", "method.text": text})
    tree = ast.parse(script(changed(recipe, {"model.id": 'a/b"""\nx'}), Known(classes=('"""', "\\"))))
    assert not [each for each in ast.walk(tree) if isinstance(each, ast.Attribute) and each.attr == "_exit"]


def test_the_command_line_writes_it(home, tmp_path, capsys):
    from studio.__main__ import main

    assert main(["script", "starter", "--to", str(tmp_path), "--json", "--home", str(home.root)]) == 0
    facts = json.loads(capsys.readouterr().out)
    with ZipFile(facts["path"]) as archive:
        names = set(archive.namelist())
        assert {"train.py", "train.jsonl", "held_out.jsonl", "recipe.yaml", "starter/model.safetensors"} <= names
        assert archive.read("train.jsonl").count(b"\n") == 400 + 200, "a general row to two of the task"
    assert main(["script", "nothing-of-that-name", "--home", str(home.root)]) == 1
    assert "no run, no preset and no recipe file" in capsys.readouterr().err
