"""Runs that several processes do together, on the processor."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from studio.home import CHECKOUT
from studio.run.directory import Run
from studio.run.family import new_family
from studio.run.launchers import environment
from studio.run.owner import FAMILY
from studio.run.worker import Errand

LIMIT = 240  # seconds; a test that waits longer hangs


@pytest.fixture
def begin() -> Callable[[Run], subprocess.Popen]:
    """Begin a run as the page does, in a child, with one thread for each of its processes."""
    begun: list[tuple[subprocess.Popen, str]] = []

    def begin(run: Run) -> subprocess.Popen:
        family = new_family()
        child = subprocess.Popen(
            [sys.executable, "-m", "studio.run.worker"],
            stdin=subprocess.PIPE,
            cwd=CHECKOUT,
            env=environment() | {FAMILY: family, "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )
        begun.append((child, family))
        with child.stdin as pipe:
            pipe.write(f"{Errand(run=str(run.path)).model_dump_json()}\n".encode())
        return child

    yield begin
    for child, family in begun:
        for each in (child, *processes(family)):
            if each.is_running() if isinstance(each, psutil.Process) else each.poll() is None:
                each.kill()
        child.wait()


@pytest.fixture
def do(begin) -> Callable[[Run], Run]:
    """Do a run to its end."""

    def do(run: Run) -> Run:
        begin(run).wait(LIMIT)
        return run

    return do


def processes(family: str) -> list[psutil.Process]:
    """The living processes that inherited this mark."""
    return [each for each in psutil.process_iter() if _mark(each) == family and _lives(each)]


def _mark(process: psutil.Process) -> str:
    try:
        return process.environ().get(FAMILY, "")
    except (psutil.Error, OSError):
        return ""


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def ranks(run: Run) -> dict[int, psutil.Process]:
    """The processes that do a run together, by their number."""
    found = {}
    for each in psutil.process_iter():
        try:
            if "--run" in each.cmdline() and each.cmdline()[-1] == str(run.path) and _lives(each):
                number = each.environ().get("RANK")
                if number is not None:
                    found[int(number)] = each
        except (psutil.Error, OSError):
            continue
    return found


def log(run: Run) -> str:
    """What was printed, for a test that fails."""
    return Path(run.log_path).read_text("utf-8", "replace")[-6000:] if os.path.exists(run.log_path) else "no log"
