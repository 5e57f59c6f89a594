"""A set that is read in the background: told of, given up, and shown again when it has come."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from studio.data.part import DataPart
from studio.errors import StudioError
from studio.ui.data import work as work_module
from studio.ui.data.prepare import follow, give_up

PART = DataPart(path="large.jsonl")
HIDDEN = gr.update(visible=False)


@dataclass
class SlowDesk:
    """A desk that has nothing ready and takes until it is let go on."""

    ready: bool = False
    error: StudioError | None = None
    go_on: threading.Event = field(default_factory=threading.Event)
    cancelled: list[DataPart] = field(default_factory=list)

    def known(self, part: DataPart) -> object | None:
        return object() if self.ready else None

    def prepare(self, part: DataPart) -> object:
        self.go_on.wait(20)
        if self.error:
            raise self.error
        return object()

    def progress(self, part: DataPart) -> tuple[str, int, int]:
        return "checking rows", 3_000, 10_000

    def cancel(self, part: DataPart) -> None:
        self.cancelled.append(part)


def studio_with(desk: SlowDesk) -> Any:
    return SimpleNamespace(desk=desk)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_module, "SHORT", 0.02)
    monkeypatch.setattr(work_module, "LOOK", 0.02)


@pytest.mark.parametrize("error", [None, StudioError("no such file")])
def test_reading_is_told_of_until_everything_is_shown_again(error: StudioError | None) -> None:
    desk = SlowDesk(error=error)
    steps = follow(studio_with(desk), PART)
    said, cancel, ready = next(steps)
    assert "Checking rows: 3,000 of 10,000…" in said["value"]
    assert said["visible"]
    assert cancel["visible"]
    assert ready == gr.skip()
    desk.go_on.set()
    *_, (said, cancel, ready) = steps
    assert (said, cancel) == (HIDDEN, HIDDEN)
    assert isinstance(ready, int)


def test_what_is_ready_is_not_read_again() -> None:
    for part, desk in ((PART, SlowDesk(ready=True)), (DataPart(), SlowDesk())):
        assert list(follow(studio_with(desk), part)) == [(HIDDEN, HIDDEN, gr.skip())]


def test_cancel_ends_it_and_says_what_to_do() -> None:
    desk = SlowDesk()
    said, cancel = give_up(studio_with(desk), PART)
    assert desk.cancelled == [PART]
    assert "press Train" in said["value"]
    assert cancel == HIDDEN
