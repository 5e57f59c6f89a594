"""What the Hugging Face Hubs of this machine, which tests talk to over real HTTP, have in common."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

REVISION = "0123456789abcdef0123456789abcdef01234567"


class LocalHub(ThreadingHTTPServer):
    """Listens at a free port of this machine."""

    daemon_threads = True

    def __init__(self, answer: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), answer)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class QuietAnswer(BaseHTTPRequestHandler):
    """Prints nothing."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""


Hub = TypeVar("Hub", bound=LocalHub)


@contextmanager
def answering(hub: Hub) -> Iterator[Hub]:
    """The hub answers until the block ends."""
    threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
