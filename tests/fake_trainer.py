"""Stands in for the trainer's process: the studio's own worker, with the same manners and none of its slow imports."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from studio.home import CHECKOUT, Home
from studio.run.launchers import ProcessLauncher
from studio.run.queue import Queue

WORKER = """
import os, signal, subprocess, sys, time
from types import SimpleNamespace
from studio.run import log, worker
from studio.run.events import Ended, EventWriter, Metrics, Phase, Saved
from studio.run.owner import claim
def train(run):
    claim(run.owner_path)
    with EventWriter(run.events_path) as events:
        def step(number, **more):
            events.write(Metrics(step=number, values={"loss": 1 / number}, **more))
        def end(kind="finished"):
            events.write(Ended(kind=kind))
BODY
sys.modules["studio.run.train"] = SimpleNamespace(train=train)
worker.work()
"""
APP = """
import sys, threading
from studio.home import open_home
from studio.run.launchers import ProcessLauncher
from studio.run.queue import Queue
home = open_home(sys.argv[1])
queue = Queue(home, ProcessLauncher(home, (sys.executable, "-c", sys.argv[2])), spare=False)
queue.start()
print("open", flush=True)
threading.Event().wait()
"""


def trainer(body: str, first: str = "") -> tuple[str, ...]:
    """The prefix of a `ProcessLauncher` whose trainer claims its run and does `body`: lines of Python that know `run`,
    `step(number)` and `end(kind)`. `first` is done before the run is named."""
    code = WORKER.replace("BODY", textwrap.indent(textwrap.dedent(body).strip("\n"), " " * 8))
    return (sys.executable, "-c", f"{code.partition('def train')[0]}{first}\ndef train{code.partition('def train')[2]}")


@contextmanager
def working(home: Home, prefix: tuple[str, ...]) -> Iterator[Queue]:
    """A queue of this process over such trainers."""
    queue = Queue(home, ProcessLauncher(home, prefix), spare=False)
    queue.start()
    try:
        yield queue
    finally:
        queue.close()


@contextmanager
def an_app(home: Home, prefix: tuple[str, ...]) -> Iterator[subprocess.Popen[str]]:
    """The same in a process of its own, which can be killed."""
    command = [sys.executable, "-c", APP, str(home.root), prefix[-1]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT) as app:
        assert app.stdout is not None
        assert app.stdout.readline() == "open\n"
        yield app
        app.kill()


def until(true: Callable[[], object], seconds: float = 60) -> None:
    """Wait for it."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)
