"""The routes of the Compare tab, served, with a chat host that has no model (tests/answer/echo_host.py)."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import uvicorn
from fastapi import FastAPI

from studio.answer.chat import ChatHost
from studio.home import CHECKOUT, Home
from studio.ui.compare.routes import compare_routes
from tests.prepared_runs import prepare_run

RUN = "amber-fox"
COMMAND = [str(CHECKOUT / "tests" / "answer" / "echo_host.py")]
Line = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """One on its way, as a browser has it."""

    connection: HTTPConnection
    response: HTTPResponse

    def next(self) -> Line:
        """The next line of the answer."""
        return dict(json.loads(self.response.readline()))

    def rest(self) -> list[Line]:
        """All other lines."""
        return [json.loads(line) for line in self.response]

    def leave(self) -> None:
        """Go away without a word."""
        self.response.close()
        self.connection.close()


@dataclass(frozen=True)
class ChatRoom:
    """What listens on `port`, and the host behind it."""

    port: int
    chat: ChatHost

    def ask(self, asker: str, prompt: str) -> Question:
        """Send a question to two panes, as the page does."""
        pane = {"voice": {"run": RUN, "part": "result"}, "messages": [{"role": "user", "content": prompt}]}
        return self._post("ask", {"asker": asker, "panes": {"one": pane, "two": pane}, "settings": {}})

    def stop(self, asker: str) -> None:
        """Press Stop."""
        assert self._post("stop", {"asker": asker}).response.status == 200

    def process(self) -> psutil.Process:
        """The host's process."""
        pid = self.chat.pid()
        assert pid is not None
        return psutil.Process(pid)

    def _post(self, path: str, body: Line) -> Question:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("POST", f"/studio/compare/{path}", json.dumps(body), {"Content-Type": "application/json"})
        return Question(connection, connection.getresponse())


def until(true: Callable[[], bool], why: str) -> None:
    """Wait for what is sure to come. Fails after half a minute."""
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, why
        time.sleep(0.02)


def is_quiet(process: psutil.Process) -> bool:
    """Whether it writes nothing for a while, in which an answer would have had a hundred words."""
    before = process.io_counters().write_chars
    time.sleep(0.2)
    return process.io_counters().write_chars == before


@contextmanager
def served(home: Home, log: Path) -> Iterator[ChatRoom]:
    """The room, open. `studio.answer.child.COMMAND` must be COMMAND."""
    prepare_run(home, RUN)
    chat = ChatHost(log)
    studio: Any = SimpleNamespace(home=home, chat=chat, chat_refusal=lambda: None, seen=list, runs=list)
    app = FastAPI()
    app.include_router(compare_routes(studio), prefix="/studio")
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=[[listener]])
        thread.start()
        try:
            yield ChatRoom(listener.getsockname()[1], chat)
        finally:
            chat.close()
            server.should_exit = True
            thread.join()
