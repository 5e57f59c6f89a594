"""Runs over the tiny base, waiting to be done, and one thread for those that are done in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.home import Home
from tests.faults.chat_room import COMMAND, ChatRoom, served
from tests.run.conftest import make_run

__all__ = ["make_run"]


@pytest.fixture(scope="package", name="one_thread")
def with_one_thread():
    from tests.tiny_run import one_thread  # imports torch, which many faults do without

    with one_thread():
        yield


@pytest.fixture
def chat_room(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatRoom]:
    """The Compare tab's routes over a chat host that has no model."""
    monkeypatch.setattr("studio.answer.child.COMMAND", COMMAND)
    with served(home, tmp_path / "chat.log") as room:
        yield room
