"""Asking base and tuned model side by side: the page's end of the chat host. Imports no torch."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from studio.answer.child import ChatChild, Gone
from studio.answer.line import WaitingLine
from studio.answer.settings import Settings
from studio.answer.wire import SPEAKERS, Ask, Done, Failed, Load, Note, Speaker, Stop, Texts
from studio.data.tokens.encode import Message
from studio.errors import StudioError
from studio.run.directory import Run

LOOK = 0.5  # seconds between looks whether it was stopped, while no reply comes
PARTING = 2.0  # seconds that a stopped answer has to send its last words

Messages = Sequence[Message] | Mapping[Speaker, Sequence[Message]]
Notify = Callable[[str], None]


def _unheard(note: str) -> None:
    """Nobody listens to notes."""


class _Question:
    """A question on its way: it can be stopped from any thread, also while it waits."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.stopped = threading.Event()
        self._child: ChatChild | None = None

    def send(self, child: ChatChild, request: Ask | Load) -> None:
        self._child = child
        child.send(request)

    def stop(self) -> None:
        self.stopped.set()
        if self._child is not None:
            with suppress(Gone):  # that is stopped enough
                self._child.send(Stop(id=self.number))


class ChatHost:
    """Answers questions about any run from one child process, one at a time, in the order in which they came.

    May be used from any thread. The child starts when it is first needed (or with `warm`), and a new one after a crash.
    `log` is where the child's prints go.
    """

    def __init__(self, log: Path | None = None) -> None:
        self._log = log
        self._line = WaitingLine()
        self._numbers = itertools.count(1)
        self._asked: dict[str, set[_Question]] = {}
        self._child: ChatChild | None = None
        self._guard = threading.Lock()  # of _asked and _child

    def open(self, run: Run, asker: str = "") -> Chat:
        """A view of this host for one run. `asker` names who asks (such as a page's session), for `stop`."""
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
        return self._line.busy()

    def stop(self, asker: str) -> None:
        """End what `asker` is being answered, at the next token; what waits is not begun."""
        with self._guard:
            questions = list(self._asked.get(asker, ()))
        for question in questions:
            question.stop()
        self._line.look()

    def close(self, because: str = "The chat was closed. Send the prompt again.") -> None:
        """Let the child go, with all its memory. An answer in progress fails with `because`; the next starts anew."""
        with self._guard:
            child, self._child = self._child, None
        if child is not None:
            child.close(because)

    def exchange(self, make: Callable[[int], Ask | Load], asker: str, notify: Notify) -> Iterator[dict[Speaker, str]]:
        """Send a request and yield the texts of its replies. Closing the iterator stops the answer.

        Raises:
            StudioError: the host could not answer, or its process ended.
        """
        if self._line.busy():
            notify("Waiting for another answer to end ...")
        with self._question(asker) as question, self._line.turn(question.stopped.is_set) as mine:
            if not mine:
                return
            child = self._living()
            try:
                question.send(child, make(question.number))
                yield from self._texts(child, question, notify)
            except Gone:
                raise StudioError(self._why_gone(child)) from None
            finally:
                question.stop()  # no harm where it has ended by itself

    def _texts(self, child: ChatChild, question: _Question, notify: Notify) -> Iterator[dict[Speaker, str]]:
        waited_after_stop = False
        while not waited_after_stop:
            stopping = question.stopped.is_set()
            match child.reply(question.number, PARTING if stopping else LOOK):
                case Note(note=note):
                    notify(note)
                case Texts(texts=texts):
                    yield texts
                case Done(texts=texts):
                    if texts:
                        yield texts
                    return
                case Failed(message=message):
                    raise StudioError(*message.split("\n"))
                case None:
                    waited_after_stop = stopping

    @contextmanager
    def _question(self, asker: str) -> Iterator[_Question]:
        question = _Question(next(self._numbers))
        with self._guard:
            self._asked.setdefault(asker, set()).add(question)
        try:
            yield question
        finally:
            with self._guard:
                self._asked[asker].discard(question)
                if not self._asked[asker]:
                    del self._asked[asker]

    def _living(self) -> ChatChild:
        with self._guard:
            if self._child is None or not self._child.alive():
                self._child = ChatChild(self._log)
            return self._child

    def _why_gone(self, child: ChatChild) -> str:
        if child.closed_because:
            return child.closed_because
        status = child.ended_with()
        log = f" See {self._log}." if self._log else ""
        if status == -9:
            return (
                "The chat's process was killed, most likely because the memory was not enough. Send the prompt again: "
                "it starts afresh. If it happens again, choose a run with a smaller base model."
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
        for _ in self.host.exchange(
            lambda number: Load(id=number, run=self._folder, base=self.base), self.asker, notify
        ):
            pass

    def stream(
        self,
        messages: Messages,
        speakers: Sequence[Speaker] = SPEAKERS,
        settings: Settings = Settings(),  # noqa: B008 (it is frozen)
        notify: Notify = _unheard,
    ) -> Iterator[dict[Speaker, str]]:
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
        conversations = {who: _clean(messages[who] if isinstance(messages, Mapping) else messages) for who in speakers}
        assert self.run is not None or tuple(speakers) == ("base",), "a base by itself has no tuned model"

        def ask(number: int) -> Ask:
            return Ask(id=number, run=self._folder, base=self.base, messages=conversations, settings=settings)

        return self.host.exchange(ask, self.asker, notify)

    @property
    def _folder(self) -> str:
        return "" if self.run is None else str(self.run.path)

    def stop(self) -> None:
        """End what this asker is being answered, at the next token. From any thread."""
        self.host.stop(self.asker)


def _clean(messages: Sequence[Message]) -> list[Message]:
    """The conversation without halves of surrogate pairs, which a browser can send and no encoder takes."""
    return [
        {key: text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for key, text in message.items()}
        for message in messages
    ]
