"""A question in the Compare tab while a run trains: it is answered or refused in words, and the run goes on."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from studio.answer.turn import may_answer
from studio.home import CHECKOUT
from studio.recipe.hardware import Gpu, Hardware
from studio.run.directory import Run, Status
from studio.run.events import Metrics
from studio.run.owner import read_owner
from studio.ui.compare.routes import compare_routes
from tests.ui.compare.echo import EchoHost

TRAINER = """
import sys, time
from pathlib import Path
from studio.run.directory import Run
from studio.run.events import EventWriter, Metrics
from studio.run.owner import claim
run = Run(Path(sys.argv[1]))
claim(run.owner_path)
with EventWriter(run.events_path) as events:
    for step in range(1, 10_000):
        events.write(Metrics(step=step, values={"loss": 1.0}))
        time.sleep(0.02)
"""
GPU = Hardware(4, 2**34, 2**33, (Gpu("NVIDIA L4", 2**34, 2**33, (8, 9)),))
PLAIN = Hardware(4, 2**34, 2**33)


@pytest.fixture
def training(make_run: Any) -> Iterator[Run]:
    """A run with a process of its own that writes a step every now and then."""
    run: Run = make_run()
    child = subprocess.Popen([sys.executable, "-c", TRAINER, str(run.path)], cwd=CHECKOUT)
    wait_for_steps(run, 2)
    yield run
    child.kill()
    child.wait()


def steps(run: Run) -> int:
    return sum(isinstance(event, Metrics) for event in run.events()[0])


def wait_for_steps(run: Run, count: int) -> None:
    deadline = time.monotonic() + 60
    while steps(run) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def studio_on(hardware: Hardware, home: Any, run: Run) -> Any:
    refusal = lambda: may_answer(run.status().active, hardware)  # noqa: E731
    return SimpleNamespace(home=home, hardware=hardware, chat=EchoHost(), chat_refusal=refusal, seen=list)


def ask(studio: Any, run: Run) -> dict[str, Any]:
    """Send a prompt as the page does, and what it is told in the end."""
    app = FastAPI()
    app.include_router(compare_routes(studio))
    panes = {"tuned": {"voice": {"run": run.name}, "messages": [{"role": "user", "content": "Hello?"}]}}
    answer = TestClient(app).post("/compare/ask", json={"asker": "page", "panes": panes})
    return dict(json.loads(answer.text.splitlines()[-1]))


@pytest.mark.parametrize("hardware", [PLAIN, GPU], ids=["processor", "gpu"])
def test_the_run_goes_on_and_the_question_is_answered_or_refused_in_words(
    hardware: Hardware, home: Any, training: Run, make_run: Any
) -> None:
    ready = make_run({"training.epochs": 1})
    (ready.path / "adapter").mkdir()
    studio = studio_on(hardware, home, training)
    before = steps(training)
    told = ask(studio, ready)
    if hardware is GPU:
        assert "has the GPU" in told["error"], "the browser test sees that what was typed is not lost"
        assert studio.chat.asked == [], "nothing takes the GPU's memory"
    else:
        assert told["texts"] == {"tuned": "tuned: Hello?"}
    wait_for_steps(training, before + 3)
    owner = read_owner(training.owner_path)
    assert owner is not None
    assert psutil.pid_exists(owner.pid)
    assert (training.status(), training.wish()) == (Status.RUNNING, None)
