"""A chat host that says at once what it heard, token by token."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from studio.answer.chat import Told
from studio.answer.settings import Settings
from studio.answer.wire import Asked, Measure, Piece
from studio.errors import StudioError


class EchoHost:
    """Answers "PANE: QUESTION", word by word. `fails` is raised instead; `endless` goes on until it is stopped."""

    def __init__(self, fails: StudioError | None = None, endless: bool = False) -> None:
        self.fails, self.endless = fails, endless
        self.asked: list[Mapping[str, Asked]] = []
        self.settings: list[Settings] = []
        self.stopped = threading.Event()
        self.over = threading.Event()

    def ask(
        self, asked: Mapping[str, Asked], settings: Settings, asker: str, notify: Callable[[str], None]
    ) -> Iterator[Told]:
        self.asked.append(asked)
        self.settings.append(settings)
        notify("Loading the base model ...")
        if self.fails:
            raise self.fails
        try:
            texts = dict.fromkeys(asked, "")
            words = {pane: f"{pane}: {each.messages[-1]['content']}".split(" ") for pane, each in asked.items()}
            while self.endless and not self.stopped.wait(0.01):
                pieces = {pane: [Piece(" on", 0.5, [(" off", 0.25)])] for pane in asked}
                texts = {pane: text + " on" for pane, text in texts.items()}
                yield Told(texts, pieces)
            for at in range(0 if self.endless else max(map(len, words.values()))):
                pieces = {
                    pane: [Piece(f"{' ' if at else ''}{said[at]}", 0.9, [(" other", 0.1)])]
                    for pane, said in words.items()
                    if at < len(said)
                }
                texts = {pane: text + "".join(p.text for p in pieces.get(pane, [])) for pane, text in texts.items()}
                yield Told(texts, pieces)
            ended = "stopped" if self.endless else "end"
            yield Told(texts, measures={pane: Measure(3, len(words[pane]), 0.1, 0.3, ended) for pane in asked})
        finally:
            self.over.set()

    def stop(self, asker: str) -> None:
        self.stopped.set()

    def warm(self) -> None:
        pass

    def load(self, voices: list[Any], asker: str) -> None:
        self.loaded = voices
        self.over.set()
