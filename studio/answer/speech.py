"""What is being said in answer to one question: passed on at a pace that a page can follow, and measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from studio.answer.transcript import Transcript, Words
from studio.answer.wire import Ended, Measure, Piece, Said

if TYPE_CHECKING:
    from studio.answer.generate import Row
    from studio.answer.sampling import Token

PACE = 0.04  # seconds between two looks at the texts: faster than the eye, and long texts are not decoded too often
DIGITS = 5  # of a probability on the wire


class _Answer:
    """One pane's: its tokens, the pieces that were not passed on yet, and when they came."""

    def __init__(self, row: Row, began: float) -> None:
        self._row = row
        self._began = self._last = began
        self._first: float | None = None
        self._transcript = Transcript(row.seat.tokenizer)
        self._words = Words(row.seat.tokenizer)
        self._tokens: list[Token] = []
        self._sent = 0

    def add(self, token: Token) -> None:
        self._tokens.append(token)
        self._transcript.add(token.id)
        self._last = time.monotonic()
        if self._first is None:
            self._first = self._last - self._began

    def news(self, last: bool) -> tuple[list[Piece], bool]:
        """The pieces since the last call, and whether they begin anew."""
        texts, anew = self._transcript.news(last)
        start = 0 if anew else self._sent
        self._sent = start + len(texts)
        return [self._piece(place, text) for place, text in enumerate(texts, start)], anew

    def text(self) -> str:
        return self._transcript.text()

    def measure(self, stopped: bool) -> Measure:
        count = len(self._tokens)
        ended: Ended = "stopped" if stopped else "length"
        if count and self._tokens[-1].id in self._row.seat.ends:
            ended = "end"
        return Measure(len(self._row.ids), count, self._first, self._last - self._began, ended)

    def _piece(self, place: int, text: str) -> Piece:
        token = self._tokens[place]
        others = [(self._words.text(other, first=place == 0), round(p, DIGITS)) for other, p in token.others]
        return Piece(text, round(token.p, DIGITS), others)


class Speech:
    """Hears the tokens of all panes of a question and passes on their texts and probabilities."""

    def __init__(self, question: int, rows: Mapping[str, Row], reply: Callable[[Said], None]) -> None:
        began = time.monotonic()
        self._question = question
        self._reply = reply
        self._answers = {pane: _Answer(row, began) for pane, row in rows.items()}
        self._order = list(self._answers.values())
        self._next_look = 0.0

    def heard(self, step: dict[int, Token]) -> None:
        """One more token of each row that goes on."""
        for row, token in step.items():
            self._order[row].add(token)
        if time.monotonic() >= self._next_look:
            self.tell()
            self._next_look = time.monotonic() + PACE

    def tell(self, last: bool = False) -> None:
        """Pass on what has come since the last time, up to the last whole character; at the `last` time everything."""
        news = {pane: answer.news(last) for pane, answer in self._answers.items()}
        pieces = {pane: new for pane, (new, anew) in news.items() if new or anew}
        if pieces:
            self._reply(Said(id=self._question, pieces=pieces, anew=[pane for pane, (_, anew) in news.items() if anew]))

    def texts(self) -> dict[str, str]:
        """All that was said, exactly."""
        return {pane: answer.text() for pane, answer in self._answers.items()}

    def measures(self, stopped: bool) -> dict[str, Measure]:
        """How each answer was written. One that did not end by itself was `stopped`, or was as long as allowed."""
        return {pane: answer.measure(stopped) for pane, answer in self._answers.items()}
