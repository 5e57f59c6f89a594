"""A recipe as the commands that train it on several machines together, and as a job for Slurm: texts to copy.

What differs from place to place stands at the top of each. All machines see the same folder, where the run is.
"""

from __future__ import annotations

import shlex

from studio.recipe.command import command
from studio.recipe.launch import batch_share
from studio.recipe.recipe import Recipe
from studio.recipe.sharding import launch_flags

MACHINES = 2  # in the texts; to be changed there
PORT = 29_500


def on_machines(recipe: Recipe) -> str:
    """The commands for machines that are named one by one."""
    return f"""# Several machines train together. Each has this studio, and all see the folder STUDIO_HOME.
export STUDIO_HOME=/shared/atelier
PROCESSES={recipe.launch.processes}  # on each machine: one for each of its GPUs{_warning(recipe)}

# Once, on the first machine: make the run. Nothing is trained yet.
RUN=$({_make(recipe)})

# Then on each machine, with the same RUN and PROCESSES, and MACHINE=0 on the first, 1 on the second and so on:
MACHINES={MACHINES}
MACHINE=0
FIRST=10.0.0.1  # the first machine's address
{_launch(recipe, '"$MACHINES"', '"$MACHINE"', str(PORT))}
"""


def slurm_job(recipe: Recipe) -> str:
    """A job script for sbatch: one launcher on each node."""
    launch = _launch(recipe, '"$SLURM_NNODES"', '"$SLURM_NODEID"', '"$PORT"')
    return f"""#!/bin/bash
#SBATCH --job-name=atelier
#SBATCH --nodes={MACHINES}
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node={recipe.launch.processes}
#SBATCH --cpus-per-task=16
#SBATCH --time=04:00:00
#SBATCH --output=atelier-%j.log
set -euo pipefail

export STUDIO_HOME=/shared/atelier  # a folder that all nodes see
export PROCESSES={recipe.launch.processes}  # on each node: as many as --gpus-per-node{_warning(recipe)}
MACHINES=$SLURM_NNODES
RUN=$({_make(recipe)})
NODES=$(scontrol show hostnames "$SLURM_JOB_NODELIST")
FIRST=${{NODES%%$'\\n'*}}
PORT=$((20000 + SLURM_JOB_ID % 20000))
export RUN FIRST PORT MACHINES

srun --kill-on-bad-exit=1 bash -c {shlex.quote(launch)}
"""


def _make(recipe: Recipe) -> str:
    return f'{command(recipe)} --set launch.processes="$PROCESSES" --no-start'


def _launch(recipe: Recipe, machines: str, machine: str, port: str) -> str:
    lines = [
        "accelerate launch",
        shlex.join(launch_flags(recipe.launch)),
        f'--num_machines {machines} --machine_rank {machine} --num_processes "$((MACHINES * PROCESSES))"',
        f'--main_process_ip "$FIRST" --main_process_port {port} --mixed_precision no --dynamo_backend no',
        '-m studio.run.worker --run "$RUN"',
    ]
    return " \\\n  ".join(lines)


def _warning(recipe: Recipe) -> str:
    """That so many cannot divide the batch, as comment lines."""
    training, processes = recipe.training, MACHINES * recipe.launch.processes
    if batch_share(training, processes):
        return ""
    rows = -(-training.batch_size // processes) * processes
    return (
        f"\n# Batch size {training.batch_size} and gradient accumulation {training.gradient_accumulation} cannot be "
        f"divided among {processes} processes:\n# set the batch size to {rows}, or take fewer."
    )
