"""The trainer's process: does its slow imports, waits for a run's folder on standard input, trains it, ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def work() -> None:
    """Wait for one run and do it. Ends at once where the other side goes away before it names a run."""
    from studio.run.directory import Run
    from studio.run.train import train

    folder = sys.stdin.readline().strip()
    if not folder:
        return
    run = Run(Path(folder))
    _print_into(run.log_path)
    train(run)


def _print_into(log: Path) -> None:
    """From here on all that this process and its libraries print goes to the run's log."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    os.close(descriptor)


if __name__ == "__main__":
    work()
