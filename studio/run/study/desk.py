"""The page's end of the study of rows: asks children for all that takes long, and remembers what they found."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from studio.data.dataset import Prepared
from studio.data.example import TEXTS
from studio.data.files.read import read
from studio.data.part import DataPart
from studio.data.source import located
from studio.data.table import Table
from studio.errors import StudioError
from studio.home import Home
from studio.run.study import wire
from studio.run.study.caches import Cache
from studio.run.study.jobs import Job, Jobs
from studio.run.study.keys import prepared_key
from studio.run.study.lane import Lane
from studio.run.study.lengths import length_findings, lengths_at
from studio.run.study.look import Look
from studio.run.study.pick import pick
from studio.run.study.remembered import Remembered
from studio.run.study.store import stored, takes_long
from studio.run.study.study import Study, Thorough, study_of
from studio.run.study.tokens import known_tokens
from studio.run.submit import prepare_part

__all__ = ["Desk", "Look", "Study", "StudyState"]

PEEKED = 200  # rows of a first page
REMEMBERED = 4  # prepared sets, and studies at one longest row
ENDLESS = 7 * 86_400.0  # seconds: reading and fetching take as long as they take
STUDY_PATIENCE = 300.0  # seconds without a word after which a study hangs
LOOK_PATIENCE = 15.0  # seconds for one row, once its tokenizer is loaded
NOT_READ = "reading the rows"

StudyKey = tuple[str, str, int]  # the rows, the base model, the longest chunk


@dataclass(frozen=True)
class StudyState:
    """How far a study is. `study` is there when it is done, `error` where it failed, in words."""

    phase: str = ""
    done: int = 0
    total: int = 0
    study: Study | None = None
    error: str = ""

    @property
    def over(self) -> bool:
        """Whether nothing more will come by itself."""
        return self.study is not None or bool(self.error)


class Desk:
    """What the page asks about rows. From any thread, and for any number of visitors.

    Large files are read, and rows are seen as the model sees them, in children: one that reads, one that studies, one
    that shows single rows. They start when they are first needed and end with the page.
    """

    def __init__(self, home: Home, log: Path | None = None) -> None:
        self._home = home
        self._cache = Cache(home.cache)
        self._reading, self._studying, self._showing = Lane(home, log), Lane(home, log), Lane(home, log)
        self._one_at_a_time = threading.Lock()
        self._reads: Jobs[None] = Jobs()
        self._studies: Jobs[Thorough] = Jobs()
        self._prepared: Remembered[str, Prepared] = Remembered(REMEMBERED)
        self._told: Remembered[tuple[StudyKey, int], Study] = Remembered(REMEMBERED)

    def peek(self, part: DataPart) -> Table:
        """The first rows of a data part, in a time that does not depend on its size. Raises StudioError."""
        return read(located(part, self._home.uploads), reading=part.reading, limit=PEEKED)

    def known(self, part: DataPart) -> Prepared | None:
        """The prepared rows, if they are there or a moment away; None for a large set that is still to be read.

        Raises StudioError where they cannot be prepared.
        """
        key = prepared_key(part)
        found = self._prepared.get(key)
        if found is None:
            job = self._reads.get(key)
            if job is not None and job.error is not None:
                raise job.error
            found = stored(self._cache, part) if takes_long(part) else self._prepared_here(part)
        return self._prepared.keep(key, found) if found is not None else None

    def prepare(self, part: DataPart) -> Prepared:
        """The prepared rows; waits for them. Raises StudioError where they cannot be prepared, or are given up."""
        key = prepared_key(part)
        job = self._reads.get(key)
        if job is None or job.error is None:  # what failed is tried again
            found = self.known(part)
            if found is not None:
                return found
        job = self._reads.start(key, lambda job, stopped: self._read(part, job, stopped))
        while not job.over.wait(1.0):
            self._reads.get(key)  # somebody still waits for it
        if job.error is not None:
            raise job.error
        # Where the disk refused to keep them, this process has to read them itself.
        return self._prepared.keep(key, prepare_part(part, self._home))

    def progress(self, part: DataPart) -> tuple[str, int, int] | None:
        """What is being done to read the rows, how far it is and of how many; None where they are not being read."""
        job = self._reads.get(prepared_key(part))
        return None if job is None or job.over.is_set() else (job.what or NOT_READ, job.done, job.total)

    def study(self, part: DataPart, model: str, max_length: int) -> StudyState:
        """How far the thorough report is, which begins where it has not. Returns at once.

        It begins once the rows are prepared. Raises StudioError where they cannot be.
        """
        if self.known(part) is None:
            return StudyState(*(self.progress(part) or (NOT_READ, 0, 0)))
        key = _study_key(part, model, max_length)
        job = self._studies.get(key)
        if job is None:
            job = self._studies.start(key, self._examining(part, model, max_length))
        if job.error is not None:
            return StudyState(error=str(job.error))
        if job.result is None:
            return StudyState(job.what or "beginning", job.done, job.total)
        study = self._study_at(key, job.result, max_length)
        if study is None:  # its tokens have gone from the cache
            self._studies.start(key, self._examining(part, model, max_length))
            return StudyState("beginning")
        return StudyState(study=study)

    def studied(self, part: DataPart, model: str, max_length: int) -> Study | None:
        """The thorough report where it is there. It is neither begun nor waited for."""
        if not part.path:
            return None
        key = _study_key(part, model, max_length)
        job = self._studies.get(key)
        return None if job is None or job.result is None else self._study_at(key, job.result, max_length)

    def look(self, part: DataPart, model: str, max_length: int, which: int | str) -> Look:
        """One row as the model sees it: "first", "longest", "shortest", a row's number, or words that it says.

        Raises StudioError where there is no such row, or it cannot be rendered or not in time.
        """
        prepared = self.known(part)
        if prepared is None:
            raise StudioError("The rows are still being read. A row is shown as the model sees it when they are there.")
        example, note = pick(prepared, which, self._lengths(part, model, max_length))
        texts = {name: getattr(example, name) for name in TEXTS}

        def show(number: int) -> wire.Show:
            return wire.Show(
                id=number, part=part, model=model, max_length=max_length, row=example.row, texts=texts,
                type=prepared.train.type,
            )  # fmt: skip

        reply = self._showing.ask(show, LOOK_PATIENCE)
        assert isinstance(reply, wire.Shown)
        return reply.look.model_copy(update={"notes": [note, *reply.look.notes]}) if note else reply.look

    def cancel(self, part: DataPart) -> None:
        """End the reading and the study of these rows; those of other visitors go on. What is asked for again begins
        anew."""
        rows = prepared_key(part)
        self._reads.cancel(lambda key: key == rows)
        self._studies.cancel(lambda key: isinstance(key, tuple) and key[0] == rows)

    def close(self) -> None:
        """Let the children go."""
        self._reads.cancel()
        self._studies.cancel()
        for lane in (self._reading, self._studying, self._showing):
            lane.close()

    def pids(self) -> list[int]:
        """The children that live."""
        return [pid for lane in (self._reading, self._studying, self._showing) if (pid := lane.pid())]

    def _prepared_here(self, part: DataPart) -> Prepared:
        """Small rows. All parts of a page ask at the same moment, and one of them does the work."""
        with self._one_at_a_time:
            return prepare_part(part, self._home)

    def _read(self, part: DataPart, job: Job[None], stopped: Callable[[], bool]) -> None:
        self._reading.ask(lambda number: wire.Prepare(id=number, part=part), ENDLESS, job.told, stopped)

    def _examining(
        self, part: DataPart, model: str, max_length: int
    ) -> Callable[[Job[Thorough], Callable[[], bool]], Thorough]:
        def examine(job: Job[Thorough], stopped: Callable[[], bool]) -> Thorough:
            def ask(number: int) -> wire.Examine:
                return wire.Examine(id=number, part=part, model=model, max_length=max_length)

            reply = self._studying.ask(ask, STUDY_PATIENCE, job.told, stopped)
            assert isinstance(reply, wire.Examined)
            return reply.thorough

        return examine

    def _study_at(self, of: StudyKey, thorough: Thorough, max_length: int) -> Study | None:
        """The report at a longest row; None where its tokens are needed and gone."""
        key = (of, max_length)
        found = self._told.get(key)
        if found is not None:
            return found
        if max_length == thorough.lengths.max_length:
            return self._told.keep(key, study_of(thorough, thorough.lengths, thorough.length_findings))
        tokens = known_tokens(self._cache, thorough.tokens_key) if thorough.tokens_key else None
        if tokens is None:
            return None
        lengths, findings = lengths_at(tokens.encoded, max_length), length_findings(tokens.encoded, max_length)
        return self._told.keep(key, study_of(thorough, lengths, findings))

    def _lengths(self, part: DataPart, model: str, max_length: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Row numbers and their tokens, where a study has counted them."""
        job = self._studies.get(_study_key(part, model, max_length))
        if job is None or job.result is None or part.chunks.by != "whole":
            return None
        tokens = known_tokens(self._cache, job.result.tokens_key) if job.result.tokens_key else None
        return (tokens.encoded.table["row"].to_numpy(), tokens.encoded.lengths) if tokens else None


def _study_key(part: DataPart, model: str, max_length: int) -> StudyKey:
    """Equal where one study serves: only chunks depend on the longest row, all else is counted anew for each."""
    chunk = 0 if part.chunks.by == "whole" else min(part.chunks.length, max_length)
    return prepared_key(part), model, chunk
