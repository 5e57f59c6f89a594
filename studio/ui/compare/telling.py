"""One question on its way to a browser: asked in a thread of its own, told line by line, ended when nobody listens."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from fastapi.responses import Response, StreamingResponse

from studio.answer.differences import Answer, differences
from studio.answer.settings import Settings
from studio.answer.voice import Voice
from studio.answer.wire import Asked, Piece
from studio.errors import StudioError
from studio.ui.routes import Json

MOST_OPEN = 32  # questions that are answered or wait, each with a thread


class Telling:
    """The questions that are open. `chat` is the studio's chat host."""

    def __init__(self, chat: Any) -> None:
        self._chat = chat
        self._room = threading.BoundedSemaphore(MOST_OPEN)

    def load(self, asker: str, voices: Sequence[Voice]) -> None:
        """Have these in memory before the first question to them, and return at once. What goes wrong is told then."""
        if not self._room.acquire(blocking=False):
            return

        def work() -> None:
            try:
                with suppress(StudioError):
                    self._chat.load(voices, asker)
            finally:
                self._room.release()

        threading.Thread(target=work, name="load", daemon=True).start()

    async def lines(self, asker: str, asked: Mapping[str, Asked], settings: Settings) -> AsyncGenerator[bytes]:
        """The answers as JSON lines, of the kinds "note", "said", "done" and "failed".

        When the browser goes away, which closes this iterator, the answers end at the next token.
        """
        if not self._room.acquire(blocking=False):
            yield as_line({"kind": "failed", "error": "Too many questions wait already. Send again in a minute."})
            return
        loop, gone = asyncio.get_running_loop(), threading.Event()
        queue: asyncio.Queue[Json | None] = asyncio.Queue()

        def tell(line: Json | None) -> None:
            if not gone.is_set():
                with suppress(RuntimeError):  # the studio is closing
                    loop.call_soon_threadsafe(queue.put_nowait, line)

        def work() -> None:
            try:
                self._ask(asker, asked, settings, tell, gone)
            finally:
                self._room.release()
                tell(None)

        threading.Thread(target=work, name="question", daemon=True).start()
        over = False
        try:
            while (line := await queue.get()) is not None:
                yield as_line(line)
            over = True
        finally:
            gone.set()
            if not over:
                self._chat.stop(asker)

    def _ask(
        self,
        asker: str,
        asked: Mapping[str, Asked],
        settings: Settings,
        tell: Callable[[Json], None],
        gone: threading.Event,
    ) -> None:
        def notify(note: str) -> None:
            tell({"kind": "note", "note": note})

        try:
            for line in answer_lines(self._chat, asker, asked, settings, notify):
                if gone.is_set():
                    return
                tell(line)
        except StudioError as error:
            tell({"kind": "failed", "error": str(error)})


def answer_lines(
    chat: Any, asker: str, asked: Mapping[str, Asked], settings: Settings, notify: Callable[[str], None]
) -> Iterator[Json]:
    """The lines "said" as the answers grow, and "done" as the last. Raises StudioError as the chat host does."""
    pieces: dict[str, list[Piece]] = {pane: [] for pane in asked}
    texts: dict[str, str] = {}
    measures: dict[str, Any] = {}
    for told in chat.ask(asked, settings, asker, notify):
        texts = told.texts
        measures = told.measures or measures
        anew = [pane for pane in getattr(told, "anew", ()) if pane in pieces]
        for pane in anew:
            pieces[pane].clear()
        for pane, new in told.pieces.items():
            pieces[pane].extend(new)
        if any(told.pieces.values()) or anew:
            yield {"kind": "said", "pieces": told.pieces} | ({"anew": anew} if anew else {})
    answers = {
        pane: Answer(each.messages, texts[pane], pieces[pane], pane in measures and measures[pane].ended == "end")
        for pane, each in asked.items()
        if pane in texts
    }
    yield {
        "kind": "done",
        "texts": texts,
        "measures": {pane: measure._asdict() for pane, measure in measures.items()},
        "differences": [each.to_json() for each in differences(answers)] if len(answers) > 1 else [],
    }


def as_line(content: Json) -> bytes:
    """One line of a stream: half a surrogate pair, which no encoder takes, becomes a question mark."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def streamed(lines: AsyncIterable[bytes]) -> Response:
    """JSON lines as they come, kept by nobody."""
    return StreamingResponse(lines, media_type="application/x-ndjson", headers={"Cache-Control": "no-store"})
