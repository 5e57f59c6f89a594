"""The texts for several machines: run by bash with stand-ins for what they call, read by accelerate's own parser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from accelerate.commands.launch import launch_command_parser

from studio.cli.parser import parse
from studio.recipe.cluster import on_machines, slurm_job
from studio.recipe.launch import LaunchPart
from studio.recipe.recipe import Recipe
from studio.recipe.training import TrainingPart

RECIPES = [
    Recipe(),
    Recipe(launch=LaunchPart(processes=8, strategy="fsdp2"), training=TrainingPart(batch_size=16)),
    Recipe(launch=LaunchPart(processes=4, strategy="zero3", offload=True)),
]
WRITES = f"""#!{sys.executable}
import json, os, sys
name = os.path.basename(sys.argv[0])
with open(os.environ["SEEN"], "a") as seen:
    seen.write(json.dumps([name, sys.argv[1:]]) + "\\n")
print({{"python": "/shared/atelier/runs/a run", "scontrol": "node7\\nnode8"}}.get(name, ""))
"""
SRUN = f"""#!{sys.executable}
import os, subprocess, sys
for node in "01":
    words = [each for each in sys.argv[1:] if not each.startswith("--")]
    subprocess.run(words, env=os.environ | {{"SLURM_NODEID": node}}, check=True)
"""


def run(text: str, tmp_path: Path) -> list[tuple[str, list[str]]]:
    """The commands that the text calls, with their arguments."""
    for name in ("python", "accelerate", "scontrol", "srun"):
        (tmp_path / name).write_text(SRUN if name == "srun" else WRITES)
        (tmp_path / name).chmod(0o755)
    seen = tmp_path / "seen"
    slurm = {"SLURM_NNODES": "2", "SLURM_JOB_NODELIST": "node[7-8]", "SLURM_JOB_ID": "123456"}
    path = f"{tmp_path}:{os.environ['PATH']}"
    subprocess.run(
        ["bash", "-eu", "-c", text], check=True, env=os.environ | slurm | {"PATH": path, "SEEN": str(seen)}, timeout=60
    )
    return [tuple(json.loads(line)) for line in seen.read_text().splitlines()]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.launch.strategy)
@pytest.mark.parametrize("text", [on_machines, slurm_job])
def test_it_calls_what_it_should(text, recipe, tmp_path):
    calls = run(text(recipe), tmp_path)
    made = [arguments for name, arguments in calls if name == "python"]
    assert made[0][:2] == ["-m", "studio"]
    options = parse(made[0][2:])
    assert options.no_start
    assert options.set[-1] == f"launch.processes={recipe.launch.processes}"
    launched = [launch_command_parser().parse_args(words[1:]) for name, words in calls if name == "accelerate"]
    assert [each.machine_rank for each in launched] == ([0, 1] if text is slurm_job else [0])
    for each in launched:
        assert (each.num_machines, each.num_processes) == (2, 2 * recipe.launch.processes)
        assert each.main_process_ip == ("node7" if text is slurm_job else "10.0.0.1")
        assert each.main_process_port > 1024
        assert each.module
        assert (each.training_script, each.training_script_args) == (
            "studio.run.worker",
            ["--run", "/shared/atelier/runs/a run"],
        )
        assert each.use_fsdp == (recipe.launch.strategy == "fsdp2")
        assert each.use_deepspeed == recipe.launch.strategy.startswith("zero")


def test_a_batch_that_so_many_cannot_divide_is_said_in_the_text():
    recipe = Recipe(training=TrainingPart(batch_size=6), launch=LaunchPart(processes=2))
    for text in (on_machines(recipe), slurm_job(recipe)):
        assert "set the batch size to 8, or take fewer." in text
    assert "set the batch size" not in on_machines(Recipe())


def test_the_job_asks_slurm_for_one_launcher_a_node():
    text = slurm_job(Recipe(launch=LaunchPart(processes=4)))
    assert text.startswith("#!/bin/bash\n#SBATCH")
    for line in ("#SBATCH --nodes=2", "#SBATCH --ntasks-per-node=1", "#SBATCH --gpus-per-node=4"):
        assert line in text.splitlines()
