"""How a verb is asked for: help that is quick and whole, status 2 for what is asked wrongly."""

from __future__ import annotations

import subprocess
import sys

import pytest

from studio.__main__ import main
from studio.cli.parser import parse
from studio.data.part import DataPart
from studio.home import CHECKOUT
from studio.knob import knobs
from studio.recipe.methods.every import METHODS
from studio.recipe.recipe import LaunchPart, LooksPart, ModelPart, TrainingPart
from studio.recipe.tasks import TASKS

SLOW = ("torch", "transformers", "gradio", "trl", "peft", "datasets", "pandas", "scipy", "huggingface_hub")
SPY = f"""
import sys
from studio.__main__ import main
try:
    status = main(sys.argv[1:])
except SystemExit as ended:
    status = ended.code
print([name for name in {SLOW} if name in sys.modules], status, file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments", [["--help"], ["train", "--help"], ["data", "--help"], ["runs", "--help"], ["runs"], ["--version"]]
)
def test_help_and_runs_import_nothing_slow(arguments, tmp_path):
    """Time differs from machine to machine; what costs it does not."""
    home = [] if len(arguments) == 2 or arguments[0].startswith("--") else ["--home", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-c", SPY, *arguments, *home], capture_output=True, text=True, cwd=CHECKOUT, timeout=60
    )
    assert done.stderr.splitlines()[-1] == "[] 0"
    assert done.stdout


def test_help_names_every_verb(capsys):
    with pytest.raises(SystemExit) as ended:
        parse(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for verb in ("data", "train", "runs", "stop"):
        assert f"\n    {verb} " in text


def test_help_of_train_names_every_option_of_the_recipe(capsys):
    with pytest.raises(SystemExit):
        parse(["train", "--help"])
    text = capsys.readouterr().out
    parts = [("model", ModelPart), ("data", DataPart), ("training", TrainingPart), ("looks", LooksPart)]
    parts += [("launch", LaunchPart)]
    parts += [*(("method", method) for method in METHODS), *(("task", task) for task in TASKS)]
    for prefix, part in parts:
        for knob in knobs(part):
            line = f"  {prefix}.{knob.name} = {knob.default!r}  {knob.help}"
            assert text.count(f"{line}\n") + text.count(f"{line} [") == 1
    assert "  task.name = 'language-modeling'  One of" in text
    assert "method.name" in text


@pytest.mark.parametrize(
    "arguments",
    [[], ["fly"], ["train"], ["runs", "--fast"], ["train", "starter", "--launcher", "rocket"], ["data"], ["stop"]],
)
def test_what_is_asked_wrongly_is_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: python -m studio" in capsys.readouterr().err
