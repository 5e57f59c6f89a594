"""Weights that are cut up among two processes are kept whole and read back into their pieces."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from studio.home import CHECKOUT
from studio.run.accelerated.shards import gathered, put, whole_weights, writable

BOTH = """
import torch
from torch.distributed.fsdp import fully_shard
from torch.distributed.device_mesh import init_device_mesh
from studio.recipe.methods.low_rank import Lora
from studio.run.accelerated.ranks import all_or_none, of_first, this_rank, wait_for_all
from studio.run.checkpoints import read_weights, weights_of
from safetensors.torch import save_file
import sys
from pathlib import Path
torch.distributed.init_process_group("gloo")
torch.manual_seed(3)
model = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.Linear(6, 3))
before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
fully_shard(model, mesh=init_device_mesh("cpu", (2,)))
weight = model[0].weight
assert weight.to_local().shape == (3, 4), weight.to_local().shape
kept = weights_of(model, Lora())
assert all(torch.equal(kept[name], before[name]) for name in before)
path = Path(sys.argv[1]) / "kept.safetensors"
if this_rank().first:
    save_file(kept, path)
wait_for_all()
with torch.no_grad():
    for each in model.parameters():
        each.zero_()
read_weights(model, Lora(), path)
again = weights_of(model, Lora())
assert all(torch.equal(again[name], before[name]) for name in before)
assert of_first(lambda: this_rank().number) == 0
try:
    with all_or_none():
        if not this_rank().first:
            raise OSError(28, "No space left on device")
    raise SystemExit("nobody heard of it")
except OSError as error:
    assert error.errno == 28
with all_or_none():
    pass
print("all is well")
"""


@pytest.mark.slow
def test_two_processes_keep_and_read_pieces_and_fail_together(tmp_path):
    script = tmp_path / "both.py"
    script.write_text(BOTH)
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", script, tmp_path],
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.stdout.count("all is well") == 2, done.stderr[-3000:]


def test_whole_weights_are_left_as_they_are():
    weight, value = torch.nn.Parameter(torch.zeros(2)), torch.ones(2)
    assert gathered(weight).data_ptr() == weight.data_ptr()
    with torch.no_grad(), writable([weight]):
        put(value, weight)
    assert torch.equal(weight.detach(), value)
    assert whole_weights(None) is None
