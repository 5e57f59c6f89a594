"""The trainer's process: does its slow imports, hears which run it is to do, trains it, ends.

`python -m studio.run.worker` waits for one line on standard input, an `Errand`. With `--run FOLDER` it is one of
several processes that do that run together, started by `studio.run.accelerated.launch`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.run.directory import Run

ONE_OF_SEVERAL = "--run"


class Errand(BaseModel):
    """Which run to do, and with which devices (see `studio.run.devices`). One JSON line."""

    model_config = ConfigDict(frozen=True)
    run: str
    devices: tuple[str, ...] = ()


def work() -> None:
    """Wait for one run and do it. Ends at once where the other side goes away before it names a run."""
    from studio.run.devices import show_only
    from studio.run.directory import Run
    from studio.run.log import keep_short, print_into
    from studio.run.owner import DEVICES
    from studio.run.train import train

    if sys.argv[1:2] == [ONE_OF_SEVERAL]:
        from studio.run.accelerated.rank import train_together

        train_together(Run(Path(sys.argv[2])))
        return
    line = sys.stdin.readline()
    if not line.strip():
        return
    errand = Errand.model_validate_json(line)
    show_only(errand.devices)
    os.environ[DEVICES] = ",".join(errand.devices)
    run = Run(Path(errand.run))
    print_into(run.log_path)
    keep_short(run.log_path)
    if _together(run):
        from studio.run.accelerated.launch import launch

        launch(run)
    else:
        train(run)


def _together(run: Run) -> bool:
    """Whether several processes are to do it."""
    try:
        return run.recipe.launch.processes > 1
    except StudioError:  # said by the training, as of any recipe that cannot be read
        return False


if __name__ == "__main__":
    work()
