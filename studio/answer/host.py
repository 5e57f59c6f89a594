"""The chat host: a child process that keeps one base model with adapters and answers questions on standard input.

It ends when its standard input closes, so it never outlives the page. What it and its libraries print goes to standard
error; standard output belongs to the wire.
"""

from __future__ import annotations

import os
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from studio.answer.wire import REQUEST, Ask, Done, Failed, Load, Note, Reply, Request, Speaker, Stop, Texts
from studio.errors import StudioError
from studio.run.pipe import Pipe

if TYPE_CHECKING:
    from studio.answer.engine import Engine
    from studio.answer.transcript import Transcript
    from studio.answer.voices import Voices

PACE = 0.04  # seconds between two looks at the texts: faster than the eye, and long texts are not decoded too often
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
        return not isinstance(request, Stop)


class Speech:
    """Passes on what is being said in one answer, at a pace that a page can follow."""

    def __init__(self, page: Page, question: int, transcripts: dict[Speaker, Transcript]) -> None:
        self._page = page
        self._question = question
        self._transcripts = transcripts
        self._order = list(transcripts.values())
        self._next_look = 0.0

    def heard(self, step: dict[int, int]) -> None:
        """One more token of each row that goes on."""
        for row, token in step.items():
            self._order[row].add(token)
        if time.monotonic() >= self._next_look:
            texts = {speaker: transcript.so_far() for speaker, transcript in self._transcripts.items()}
            self._page.reply(Texts(id=self._question, texts=texts))
            self._next_look = time.monotonic() + PACE

    def whole(self) -> dict[Speaker, str]:
        """All that was said, exactly."""
        return {speaker: transcript.text() for speaker, transcript in self._transcripts.items()}


class Host:
    """Answers one question after the other."""

    def __init__(self, page: Page, engine: Engine) -> None:
        self._page = page
        self._engine = engine

    def work(self) -> None:
        """Answer until the page goes away. A question that fails leaves the host ready for the next one."""
        while True:
            request = self._page.next()
            try:
                texts = self._answer(request)
                self._page.reply(Done(id=request.id, texts=texts))
            except BrokenPipeError:
                return
            except Exception as error:
                traceback.print_exc()  # the whole story for the log; words for the page
                self._page.reply(Failed(id=request.id, message=self._in_words(error)))

    def _answer(self, request: Ask | Load) -> dict[Speaker, str]:
        from studio.run.directory import Run

        def notify(note: str) -> None:
            self._page.reply(Note(id=request.id, note=note))

        if self._page.stopped(request.id):
            return {}
        if request.base:
            voices = self._engine.load_base(request.base, notify)
        else:
            voices = self._engine.load(Run(Path(request.run)), notify)
        if isinstance(request, Load):
            return {}
        return self._write(request, voices) if voices.writes else self._read(request, voices)

    def _read(self, ask: Ask, voices: Voices) -> dict[Speaker, str]:
        from studio.answer.reading import read

        return {who: read(voices, messages[-1]["content"], who == "tuned") for who, messages in ask.messages.items()}

    def _write(self, ask: Ask, voices: Voices) -> dict[Speaker, str]:
        from studio.answer.generate import Row, generate
        from studio.answer.prompts import prompt_ids, room
        from studio.answer.transcript import Transcript

        rows = [
            Row(prompt_ids(voices.tokenizer, messages), tuned=who == "tuned") for who, messages in ask.messages.items()
        ]
        longest, wanted = max(len(row.ids) for row in rows), ask.settings.max_new_tokens
        allowed = room(longest, voices.context, wanted)
        if allowed < wanted:
            note = f"Answers end after {allowed:,} tokens: the conversation takes {longest:,} of {voices.context:,}."
            self._page.reply(Note(id=ask.id, note=note))
        settings = ask.settings.model_copy(update={"max_new_tokens": allowed})
        speech = Speech(self._page, ask.id, {speaker: Transcript(voices.tokenizer) for speaker in ask.messages})
        generate(voices, rows, settings, speech.heard, lambda: self._page.stopped(ask.id))
        return speech.whole()

    def _in_words(self, error: Exception) -> str:
        if isinstance(error, StudioError):
            return str(error)
        text = f"{type(error).__name__}: {error}"[:300]
        if isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text:
            self._engine.release()
            return (
                "The memory was not enough to answer. Clear the conversation or set a shorter answer; "
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
