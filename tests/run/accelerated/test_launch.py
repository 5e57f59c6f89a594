"""accelerate's configuration and what is said when processes end badly."""

from __future__ import annotations

import signal

import pytest
import yaml
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

from studio.recipe.launch import LaunchPart
from studio.recipe.sharding import launch_flags
from studio.run.accelerated.launch import ended_by, leave_words, write_config
from studio.run.events import Ended

CASES = [
    LaunchPart(processes=2),
    LaunchPart(processes=4, strategy="fsdp2", offload=True),
    LaunchPart(processes=4, strategy="zero2"),
    LaunchPart(processes=8, strategy="zero3", offload=True),
]


def read_by_accelerate(words: list[str]):
    arguments, *_ = _validate_launch_command(launch_command_parser().parse_args([*words, "script.py"]))
    return arguments


@pytest.mark.parametrize("launch", CASES, ids=lambda launch: launch.strategy)
def test_accelerate_reads_its_configuration_and_the_flags_alike(launch, tmp_path):
    path = write_config(launch, tmp_path / "launch.yaml")
    assert load_config_from_file(str(path)).num_processes == launch.processes
    file = read_by_accelerate(["--config_file", str(path)])
    flags = read_by_accelerate([*launch_flags(launch), "--num_processes", str(launch.processes), "--num_machines", "1"])
    for name in ("use_fsdp", "use_deepspeed", "multi_gpu", "num_processes"):
        assert getattr(file, name) == getattr(flags, name), name
    config = yaml.safe_load(path.read_text())
    for name, value in {**config.get("fsdp_config", {}), **config.get("deepspeed_config", {})}.items():
        assert str(getattr(file, name)).lower() == str(getattr(flags, name)).lower() == str(value).lower(), name
    assert file.use_fsdp == (launch.strategy == "fsdp2")
    if launch.strategy == "fsdp2":
        assert (str(file.fsdp_version), str(file.fsdp_offload_params).lower()) == ("2", "true")
    if launch.strategy == "zero3":
        assert (file.zero_stage, file.offload_param_device) == (3, "cpu")


def failure(tmp_path, rank: int, exitcode: int, ended: Ended | None = None) -> ProcessFailure:
    path = tmp_path / f"{rank}.json"
    if ended:
        leave_words(str(path), ended)
    return ProcessFailure(local_rank=rank, pid=100 + rank, exitcode=exitcode, error_file=str(path))


def test_the_earliest_words_count(tmp_path):
    cause = Ended(kind="failed", message="The memory was not enough.", cause="memory", step=7, time=10.5)
    effect = Ended(kind="failed", message="Connection closed by peer.", time=10.9)
    found = ended_by({0: failure(tmp_path, 0, 1, effect), 1: failure(tmp_path, 1, 1, cause)})
    assert found == cause


def test_one_that_was_killed_counts_before_words_and_before_those_that_were_told_to_end(tmp_path):
    effect = Ended(kind="failed", message="Connection closed by peer.", time=10.9)
    found = ended_by(
        {
            0: failure(tmp_path, 0, 1, effect),
            1: failure(tmp_path, 1, -signal.SIGTERM),
            2: failure(tmp_path, 2, -signal.SIGKILL),
        }
    )
    assert "Process 2 was ended by the system (SIGKILL)" in found.message
    assert "memory" in found.message


def test_one_that_says_nothing_is_named(tmp_path):
    assert "Process 1 ended with status 3" in ended_by({1: failure(tmp_path, 1, 3)}).message
