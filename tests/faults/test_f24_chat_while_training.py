"""A question in the Compare tab while a run trains: it is answered or refused in words, and the run goes on."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import gradio as gr
import psutil
import pytest

from studio.answer.turn import may_answer
from studio.home import CHECKOUT
from studio.recipe.hardware import Gpu, Hardware
from studio.run.directory import Run, Status
from studio.run.events import Metrics
from studio.run.owner import read_owner
from studio.ui.compare_tab import CompareTab, build, send

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


class EchoHost:
    """A chat host that says at once what it heard."""

    def __init__(self) -> None:
        self.asked = 0

    def open(self, run: Run, asker: str = "") -> EchoHost:
        self.asked += 1
        return self

    def stream(self, conversations: dict[str, list[dict[str, str]]], **_: Any) -> Iterator[dict[str, str]]:
        yield {who: f"{who}: {messages[-1]['content']}" for who, messages in conversations.items()}

    def warm(self) -> None:
        pass


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
    return SimpleNamespace(home=home, hardware=hardware, chat=EchoHost(), chat_refusal=refusal)


def ask(studio: Any, run: Run) -> tuple[CompareTab, dict[Any, Any]]:
    """Send a prompt as the page does, and what the tab shows in the end."""
    with gr.Blocks():
        tab = build(studio)
    values = {component: getattr(component, "value", None) for component in tab.asked}
    values |= {tab.choice: run.name, tab.prompt: "Hello?", tab.turns: []}
    shown: dict[Any, Any] = {}
    for update in send(studio, tab, values):
        shown |= update
    return tab, shown


@pytest.mark.parametrize("hardware", [PLAIN, GPU], ids=["processor", "gpu"])
def test_the_run_goes_on_and_the_question_is_answered_or_refused_in_words(
    hardware: Hardware, home: Any, training: Run, make_run: Any
) -> None:
    ready = make_run({"training.epochs": 1})
    (ready.path / "adapter").mkdir()
    studio = studio_on(hardware, home, training)
    before = steps(training)
    tab, shown = ask(studio, ready)
    if hardware is GPU:
        assert "has the GPU" in shown[tab.status]
        assert shown[tab.prompt] == "Hello?", "what was typed is not lost"
        assert studio.chat.asked == 0, "nothing takes the GPU's memory"
    else:
        assert [turn["tuned"] for turn in shown[tab.turns]] == ["tuned: Hello?"]
    wait_for_steps(training, before + 3)
    owner = read_owner(training.owner_path)
    assert owner is not None
    assert psutil.pid_exists(owner.pid)
    assert (training.status(), training.wish()) == (Status.RUNNING, None)
