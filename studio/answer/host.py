"""The chat host: a child process that keeps models in memory and answers questions on standard input.

It ends when its standard input closes, so it never outlives the page. What it and its libraries print goes to standard
error; standard output belongs to the wire.
"""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from studio.answer.baton import Baton
from studio.answer.line import Place, WaitingLine
from studio.answer.wire import REQUEST, Ask, Done, Failed, Load, Measure, Note, Reply, Request, Stop
from studio.errors import StudioError
from studio.run.pipe import Pipe

if TYPE_CHECKING:
    from studio.answer.engine import Engine
    from studio.answer.voices import Seat

WAITING = "Waiting for what was asked before ..."
SIGN, LONGEST_LOAD = 5, 900  # seconds
ENVIRONMENT = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "true",
    # Threads that wait must sleep, not spin: while a run trains on the same cores, a small model answers 5 to 10 times
    # faster so (measured on 2 cores). Read when torch is imported.
    "OMP_WAIT_POLICY": "PASSIVE",
}


class Page:
    """The page, as the host sees it: questions come in, replies go out, a wish to stop is heard at any time."""

    def __init__(self) -> None:
        self.line = WaitingLine()
        self._stopped: set[int] = set()
        self._pipe: Pipe[Request, Reply] = Pipe.standard(REQUEST.validate_json, self._heard)
        self.reply = self._pipe.reply

    def next(self) -> Ask | Load:
        """The next question, when there is one."""
        request = self._pipe.next()
        assert not isinstance(request, Stop)  # never waits
        return request

    def stopped(self, question: int) -> bool:
        """Whether that question is to end now."""
        return question in self._stopped

    def _heard(self, request: Request) -> bool:
        if isinstance(request, Stop):
            self._stopped.add(request.id)
            self.line.look()
        return not isinstance(request, Stop)


class Host:
    """Answers several questions at once, each in a thread of its own; one computes at a time, in turns.

    A question whose models do not fit beside those in use waits for the end of the answers in progress, and whoever
    comes later waits for it.
    """

    def __init__(self, page: Page, engine: Engine) -> None:
        self._page = page
        self._engine = engine
        self._baton = Baton()

    def work(self) -> None:
        """Take questions until the page goes away."""
        while True:
            request = self._page.next()
            threading.Thread(target=self._take, args=[request], name=f"question {request.id}", daemon=True).start()

    def _take(self, request: Ask | Load) -> None:
        """A question that fails leaves the host ready for the next one."""
        try:
            self._page.reply(self._done(request))
        except BrokenPipeError:
            return
        except Exception as error:
            traceback.print_exc()  # the whole story for the log; words for the page
            self._page.reply(Failed(id=request.id, message=_in_words(error)))

    def _done(self, request: Ask | Load) -> Done:
        def stopped() -> bool:
            return self._page.stopped(request.id)

        def note(words: str) -> None:
            self._page.reply(Note(id=request.id, note=words))

        voices = request.voices if isinstance(request, Load) else [asked.voice for asked in request.panes.values()]
        suits = partial(self._engine.has_room, voices)
        with self._page.line.place(request.asker, suits, stopped, lambda: note(WAITING)) as place:
            if place is None:
                return Done(id=request.id)
            try:
                with ExitStack() as kept:
                    with self._baton.held(request.asker), _signs_of_life(note):
                        seats = kept.enter_context(self._engine.seated(voices, note))
                    place.settled()
                    return self._answered(request, seats, place)
            except Exception as error:
                if _no_memory(error) and not self._page.line.others(place):
                    self._engine.release()
                raise

    def _answered(self, request: Ask | Load, seats: Sequence[Seat], place: Place) -> Done:
        in_turn = any(seat.in_turn for seat in seats)
        if isinstance(request, Load) or place.gives_up() or (in_turn and not place.alone()):
            return Done(id=request.id)
        by_pane = dict(zip(request.panes, seats, strict=True))
        return self._write(request, by_pane) if all(seat.writes for seat in seats) else self._read(request, by_pane)

    def _read(self, ask: Ask, seats: dict[str, Seat]) -> Done:
        from studio.answer.reading import read

        with self._baton.held(ask.asker):
            texts = {pane: read(seat, ask.panes[pane].messages[-1]["content"]) for pane, seat in seats.items()}
        return Done(id=ask.id, texts=texts, measures=dict.fromkeys(texts, Measure(0, 0, None, 0.0, "end")))

    def _write(self, ask: Ask, seats: dict[str, Seat]) -> Done:
        from studio.answer.generate import Row, generate
        from studio.answer.prompts import prompt_ids, room
        from studio.answer.speech import Speech

        rows = {pane: Row(prompt_ids(seat.tokenizer, ask.panes[pane].messages), seat) for pane, seat in seats.items()}
        wanted = ask.settings.max_new_tokens
        allowed, fullest = min(
            ((room(len(row.ids), row.seat.context, wanted), row) for row in rows.values()), key=lambda each: each[0]
        )
        if allowed < wanted:
            taken, context = len(fullest.ids), fullest.seat.context
            note = f"Answers end after {allowed:,} tokens: the conversation takes {taken:,} of {context:,}."
            self._page.reply(Note(id=ask.id, note=note))
        settings = ask.settings.model_copy(update={"max_new_tokens": allowed})
        speech = Speech(ask.id, rows, self._page.reply)
        generate(
            list(rows.values()), settings, speech.heard, lambda: self._page.stopped(ask.id), self._baton, ask.asker
        )
        speech.tell(last=True)
        return Done(id=ask.id, texts=speech.texts(), measures=speech.measures(self._page.stopped(ask.id)))


@contextmanager
def _signs_of_life(note: Callable[[str], None]) -> Iterator[None]:
    """Say again and again that something is being loaded, for so long as a load may take: it is not stuck."""
    over = threading.Event()

    def say() -> None:
        for seconds in range(SIGN, LONGEST_LOAD, SIGN):
            if over.wait(SIGN):
                return
            note(f"Loading, {seconds} seconds so far ...")

    threading.Thread(target=say, name="signs of life", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _no_memory(error: Exception) -> bool:
    text = str(error)
    return isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text


def _in_words(error: Exception) -> str:
    if isinstance(error, StudioError):
        return str(error)
    text = f"{type(error).__name__}: {error}"[:300]
    if _no_memory(error):
        return (
            "The memory was not enough to answer. Clear the conversation, set a shorter answer or close a pane; "
            f"if that does not help, choose a run with a smaller base model. ({text})"
        )
    return f"The chat met an error that it did not expect: {text}. Its log has the details; ask again."


def main() -> None:
    """Do the slow imports, then answer."""
    page = Page()
    os.environ.update(ENVIRONMENT)
    from studio.answer.engine import Engine

    Host(page, Engine()).work()


if __name__ == "__main__":
    main()
