"""Starts the processes that do a run together, by accelerate's own launcher, and speaks for them where they could not.

The process that this runs in owns the run: it lives as long as any of them does. They write the events; it writes at
most the last one, when all of them are gone.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.recipe.launch import LaunchPart
from studio.recipe.sharding import deepspeed_options, fsdp_options
from studio.run import owner
from studio.run.directory import Run
from studio.run.events import Ended, EventWriter, last_step
from studio.run.last_words import KILLED, OUT_OF_MEMORY

if TYPE_CHECKING:
    from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

CONFIG = "launch.yaml"
WORDS = "TORCHELASTIC_ERROR_FILE"
"""The variable with the file where torch's launcher looks for a process's last words."""


def launch(run: Run) -> None:
    """Do `run` with as many processes as its recipe says, and return when all of them are gone.

    Raises:
        StudioError: the run was already started by another process.
    """
    from accelerate.commands.launch import launch_command, launch_command_parser
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    owner.claim(run.owner_path)
    began = time.monotonic()
    config = write_config(run.recipe.launch, run.path / CONFIG)
    words = ["--config_file", str(config), "-m", "studio.run.worker", "--run", str(run.path)]
    try:
        launch_command(launch_command_parser().parse_args(words))
    except SignalException as told:  # all are gone; whoever ended them speaks for the run
        signal.signal(told.sigval, signal.SIG_DFL)
        os.kill(os.getpid(), told.sigval)
    except ChildFailedError as error:
        _speak(run, ended_by(error.failures), began)
    except Exception as error:
        message = (
            f"The processes could not be started ({type(error).__name__}: {error!s:.300}). Train with one process."
        )
        _speak(run, Ended(kind="failed", message=message, cause="process"), began)
        raise


def write_config(launch: LaunchPart, path: Path) -> Path:
    """accelerate's configuration for one machine, as its own class writes it."""
    import torch
    from accelerate.commands.config.config_args import ClusterConfig
    from accelerate.utils import ComputeEnvironment, DistributedType

    on_gpus = torch.cuda.is_available()
    kind = {"ddp": DistributedType.MULTI_GPU, "fsdp2": DistributedType.FSDP}.get(
        launch.strategy, DistributedType.DEEPSPEED
    )
    config = ClusterConfig(
        compute_environment=ComputeEnvironment.LOCAL_MACHINE,
        distributed_type=kind,  # for processors too: torch's launcher starts the processes, gloo connects them
        mixed_precision="no",  # the trainer says
        use_cpu=not on_gpus,
        debug=False,
        num_processes=launch.processes,
        num_machines=1,
        main_process_port=0,  # any that is free
        fsdp_config=fsdp_options(launch),
        deepspeed_config=deepspeed_options(launch),
    )
    config.to_yaml_file(path)
    return path


def leave_words(path: str, ended: Ended) -> None:
    """Say, as one of the processes, how the run ended. Nothing is raised: the launcher says something anyway."""
    found = {"timestamp": str(int(time.time())), "ended": ended.model_dump_json()}
    try:
        Path(path).write_text(json.dumps({"message": {"message": ended.message, "extraInfo": found}}), "utf-8")
    except OSError:
        return


def ended_by(failures: dict[int, ProcessFailure]) -> Ended:
    """How a run ended by what its processes left: one that was killed comes first, then the earliest words.

    The others fail because of it: they were waiting for it.
    """
    for rank, failure in failures.items():
        if failure.exitcode < 0 and failure.exitcode != -signal.SIGTERM:
            return _killed(rank, failure)
    said = [found for failure in failures.values() if (found := _said(failure.error_file_data))]
    if said:
        return min(said, key=lambda ended: ended.time)
    rank, failure = next(iter(failures.items()))
    message = f"Process {rank} ended with status {failure.exitcode} without a word, so all ended. See the run's log."
    return Ended(kind="failed", cause="process", message=message)


def _killed(rank: int, failure: ProcessFailure) -> Ended:
    name, by_kill = signal.Signals(-failure.exitcode).name, failure.exitcode == KILLED
    likely = OUT_OF_MEMORY if by_kill else "Train again."
    message = f"Process {rank} was ended by the system ({name}), and the others with it. {likely}"
    return Ended(kind="failed", cause="memory" if by_kill else "process", message=message)


def _said(data: Any) -> Ended | None:
    try:
        return Ended.model_validate_json(data["message"]["extraInfo"]["ended"])
    except (KeyError, TypeError, ValueError):
        return None


def _speak(run: Run, ended: Ended, began: float) -> None:
    """Write the last event, unless it stands there or whoever ended the run writes it."""
    if run.ended() is not None or run.wish() is not None:
        return
    step = ended.step or last_step(run.events()[0])
    again = " Resume goes on from its newest checkpoint." if not ended.step and run.checkpoints() else ""
    said = {"step": step, "message": ended.message + again}
    with EventWriter(run.events_path) as events:
        events.write(ended.model_copy(update={**said, "seconds": time.monotonic() - began, "time": time.time()}))
