"""The chat host's process as the page sees it."""

from __future__ import annotations

from pathlib import Path

from studio.answer.wire import REPLY, Reply, Request
from studio.run.child import Child, Gone

__all__ = ["ChatChild", "Gone"]

COMMAND = ("-m", "studio.answer.host")


class ChatChild(Child[Request, Reply]):
    """One life of the chat host; its prints go to `log`."""

    def __init__(self, log: Path | None) -> None:
        super().__init__(COMMAND, REPLY.validate_json, log)
