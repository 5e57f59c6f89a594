"""Asking models side by side: the page's end of the chat host. Imports no torch."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from studio.answer.child import ChatChild, Gone
from studio.answer.patience import Patience
from studio.answer.settings import Settings
from studio.answer.voice import BASE, Voice
from studio.answer.wire import SPEAKERS, Ask, Asked, Done, Failed, Load, Measure, Note, Piece, Reply, Said, Stop
from studio.data.tokens.encode import Message
from studio.errors import StudioError
from studio.run.directory import Run

__all__ = ["Asked", "Chat", "ChatHost", "Measure", "Piece", "Told"]

LOOK = 0.5  # seconds between looks whether it was stopped or is stuck, while no reply comes
PARTING = 2.0  # seconds that a stopped answer has to send its last words
KILLED = -9

STUCK = (
    "The chat was stuck on an answer that somebody stopped, so its process was ended. Send the prompt again: it starts "
    "afresh."
)
SETTINGS = Settings()

Messages = Sequence[Message] | Mapping[str, Sequence[Message]]
Notify = Callable[[str], None]
Request = Ask | Load


def _unheard(note: str) -> None:
    """Nobody listens to notes."""


@dataclass(frozen=True)
class Told:
    """What has come since the last one, and the whole so far, by pane.

    Panes in `anew` begin again: their pieces here replace all before. `measures` are in the last one only, whose
    `texts` are exact; an answer that was stopped and did not end within seconds has none.
    """

    texts: dict[str, str]
    pieces: dict[str, list[Piece]] = field(default_factory=dict)
    anew: frozenset[str] = frozenset()
    measures: dict[str, Measure] = field(default_factory=dict)


class _Telling:
    """Gathers what is said until somebody wants to hear it."""

    def __init__(self, panes: Sequence[str]) -> None:
        self._texts = dict.fromkeys(panes, "")
        self._pieces: dict[str, list[Piece]] = {}
        self._anew: set[str] = set()

    def add(self, said: Said) -> None:
        """More was said."""
        for pane in said.anew:
            self._texts[pane], self._pieces[pane] = "", []
            self._anew.add(pane)
        for pane, pieces in said.pieces.items():
            self._texts[pane] += "".join(piece.text for piece in pieces)
            self._pieces.setdefault(pane, []).extend(pieces)

    def told(self) -> Told:
        """All that was added since the last call."""
        told = Told(dict(self._texts), self._pieces, frozenset(self._anew))
        self._pieces, self._anew = {}, set()
        return told


class _Question:
    """A question on its way: it can be stopped from any thread, also while it waits."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.stopped = threading.Event()
        self.patience = Patience()
        self._child: ChatChild | None = None

    def send(self, child: ChatChild, request: Request) -> None:
        self._child = child
        child.send(request)

    def stop(self) -> None:
        self.stopped.set()
        if self._child is not None:
            with suppress(Gone):  # that is stopped enough
                self._child.send(Stop(id=self.number))


class ChatHost:
    """Answers questions about any models from one child process, several at once, with turns that are fair by asker.

    May be used from any thread. The child starts when it is first needed (or with `warm`), and a new one after a crash.
    `log` is where the child's prints go. After `idle` seconds without a question it is let go, with all its memory.
    """

    def __init__(self, log: Path | None = None, idle: float | None = None) -> None:
        self._log = log
        self._idle = idle
        self._numbers = itertools.count(1)
        self._asked: dict[str, set[_Question]] = {}
        self._child: ChatChild | None = None
        self._timer: threading.Timer | None = None
        self._guard = threading.Lock()  # of _asked, _child and _timer

    def ask(
        self,
        asked: Mapping[str, Asked],
        settings: Settings = SETTINGS,
        asker: str = "",
        notify: Notify = _unheard,
    ) -> Iterator[Told]:
        """Ask all panes at once and yield what comes as it comes; the last one has the exact texts and the measures.

        Closing the iterator, or `stop(asker)` from any thread, ends the answers at the next token.

        Args:
            asked: who is asked what, by pane.
            settings: how they answer: all in the same way.
            asker: who asks, such as a page's session. An asker's questions are answered one after the other.
            notify: called with what the host is doing or has decided, in words.

        Raises:
            StudioError: the question cannot be answered, or the host's process ended; with what to do.
        """
        panes = {name: Asked(each.voice, _clean(each.messages)) for name, each in asked.items()}
        asker = asker or uuid.uuid4().hex

        def ask(number: int) -> Request:
            return Ask(id=number, asker=asker, panes=panes, settings=settings)

        return self._exchange(ask, list(panes), asker, notify)

    def load(self, voices: Sequence[Voice], asker: str = "", notify: Notify = _unheard) -> None:
        """Have these in memory before the first question. Raises StudioError as `ask` does."""
        asker = asker or uuid.uuid4().hex
        for _ in self._exchange(lambda number: Load(id=number, asker=asker, voices=list(voices)), [], asker, notify):
            pass

    def open(self, run: Run, asker: str = "") -> Chat:
        """A view of this host for base and tuned model of one run. `asker` names who asks, for `stop`."""
        return Chat(self, run, asker or uuid.uuid4().hex)

    def open_base(self, model_id: str, asker: str = "") -> Chat:
        """A view of this host for a base model by itself; only the speaker "base" can be asked."""
        return Chat(self, None, asker or uuid.uuid4().hex, model_id)

    def warm(self) -> None:
        """Start the child, so that it does its imports before it is needed. Returns at once."""
        self._living()

    def pid(self) -> int | None:
        """The child's process, while there is one."""
        with self._guard:
            return self._child.pid if self._child is not None and self._child.alive() else None

    def busy(self) -> bool:
        """Whether anything is being answered or waits."""
        return bool(self._asked)

    def stop(self, asker: str) -> None:
        """End what `asker` is being answered, at the next token; what waits is not begun."""
        with self._guard:
            questions = list(self._asked.get(asker, ()))
        for question in questions:
            question.stop()

    def close(self, because: str = "The chat was closed. Send the prompt again.") -> None:
        """Let the child go, with all its memory. An answer in progress fails with `because`; the next starts anew."""
        with self._guard:
            child, self._child = self._child, None
            self._rest(False)
        if child is not None:
            child.close(because)

    def _exchange(
        self, make: Callable[[int], Request], panes: Sequence[str], asker: str, notify: Notify
    ) -> Iterator[Told]:
        with self._question(asker) as question:
            child, ended = self._living(), False
            try:
                question.send(child, make(question.number))
                ended = yield from self._told(child, question, _Telling(panes), notify)
            except Gone:
                ended = True
                raise StudioError(self._why_gone(child)) from None
            except StudioError:
                ended = True
                raise
            finally:
                if not ended:
                    self._see_out(child, question)

    def _told(
        self, child: ChatChild, question: _Question, telling: _Telling, notify: Notify
    ) -> Generator[Told, None, bool]:
        """Yields what is told; returns whether the question has ended."""
        reply: Reply | None = None
        while True:
            stopping = question.stopped.is_set()
            match reply or child.reply(question.number, PARTING if stopping else LOOK):
                case Said() as said:
                    question.patience.renew()
                    reply = said
                    while isinstance(reply, Said):  # what has piled up is told at once
                        telling.add(reply)
                        reply = child.reply(question.number, 0)
                    yield telling.told()
                    continue
                case Note(note=note):
                    notify(note)
                case Done(texts=texts, measures=measures):
                    if texts:
                        yield Told(texts, measures=measures)
                    return True
                case Failed(message=message):
                    raise StudioError(*message.split("\n"))
                case None if stopping:
                    return False
                case None if words := question.patience.worn(child.silent_for()):
                    notify(words)
            reply = None

    def _see_out(self, child: ChatChild, question: _Question) -> None:
        """Stop a question nobody listens to. A child that does not react is killed, so that others need not wait."""
        question.stop()

        def wait() -> None:
            with suppress(Gone):
                while not isinstance(child.reply(question.number, LOOK), Done | Failed):
                    if child.silent_for() > question.patience.limit():
                        child.kill(STUCK)

        threading.Thread(target=wait, name=f"see out {question.number}", daemon=True).start()

    @contextmanager
    def _question(self, asker: str) -> Iterator[_Question]:
        question = _Question(next(self._numbers))
        with self._guard:
            self._asked.setdefault(asker, set()).add(question)
            self._rest(False)
        try:
            yield question
        finally:
            with self._guard:
                self._asked[asker].discard(question)
                if not self._asked[asker]:
                    del self._asked[asker]
                self._rest(not self._asked)

    def _living(self) -> ChatChild:
        with self._guard:
            if self._child is None or not self._child.alive():
                self._child = ChatChild(self._log)
                self._rest(not self._asked)
            return self._child

    def _rest(self, idle: bool) -> None:
        """Count from now how long it is idle, or stop counting. For the holder of the guard."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if idle and self._idle is not None:
            self._timer = threading.Timer(self._idle, self._unload)
            self._timer.daemon = True
            self._timer.start()

    def _unload(self) -> None:
        with self._guard:
            if self._asked:
                return
            child, self._child = self._child, None
        if child is not None:
            child.close("The chat had not been asked for long and was let go. Send the prompt again.")

    def _why_gone(self, child: ChatChild) -> str:
        if child.closed_because:
            return child.closed_because
        status = child.ended_with()
        log = f" See {self._log}." if self._log else ""
        if status == KILLED:
            return (
                "The chat's process was killed, most likely because the memory was not enough. Send the prompt again: "
                "it starts afresh. If it happens again, choose a run with a smaller base model, or fewer panes."
            )
        return f"The chat's process ended unexpectedly (status {status}). Send the prompt again: it starts afresh.{log}"


@dataclass(frozen=True)
class Chat:
    """Base and tuned model of one run, or a base model by itself, ready to be asked."""

    host: ChatHost
    run: Run | None
    asker: str = field(default_factory=lambda: uuid.uuid4().hex)
    base: str = ""
    """The id of the base model, where there is no run."""

    def load(self, notify: Notify = _unheard) -> None:
        """Have base and adapter in memory before the first question. Raises StudioError as `stream` does."""
        self.host.load([self._voice(who) for who in SPEAKERS if self.run or who == "base"], self.asker, notify)

    def stream(
        self,
        messages: Messages,
        speakers: Sequence[str] = SPEAKERS,
        settings: Settings = SETTINGS,
        notify: Notify = _unheard,
    ) -> Iterator[dict[str, str]]:
        """Ask all `speakers` at once and yield what each has said so far, as it grows; the last one yielded is exact.

        Closing the iterator, or `stop` from any thread, ends the answer at the next token.

        Args:
            messages: one conversation for all, or each speaker's own.
            speakers: who answers.
            settings: how.
            notify: called with what the host is doing or has decided, in words.

        Raises:
            StudioError: the question cannot be answered, with what to do.
        """
        asked = {
            who: Asked(self._voice(who), list(messages[who] if isinstance(messages, Mapping) else messages))
            for who in speakers
        }
        for told in self.host.ask(asked, settings, self.asker, notify):
            yield told.texts

    def stop(self) -> None:
        """End what this asker is being answered, at the next token. From any thread."""
        self.host.stop(self.asker)

    def _voice(self, who: str) -> Voice:
        if self.run is not None:
            return Voice.of_run(str(self.run.path), BASE) if who == "base" else Voice.of_run(str(self.run.path))
        assert who == "base", "a base by itself has no tuned model"
        return Voice.of_model(self.base)


def _clean(messages: Sequence[Message]) -> list[Message]:
    """The conversation without halves of surrogate pairs, which a browser can send and no encoder takes."""
    return [
        {key: text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for key, text in message.items()}
        for message in messages
    ]
