"""An evaluation is a folder, and the folder is all there is to know of it."""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple, TypeVar

import orjson
from pydantic import ValidationError

from studio.answer.evaluation.answered import AnsweredRow
from studio.answer.evaluation.events import TAIL_BYTES, Again, AnyEvent, Began, Worked, read_events
from studio.answer.evaluation.request import Request
from studio.answer.evaluation.result import Result
from studio.data.example import Examples
from studio.errors import StudioError
from studio.home import Home
from studio.run.alone import alone
from studio.run.directory import NEW, UNBEGUN, Run, Status, list_runs
from studio.run.events import Ended, EventWriter
from studio.run.owner import read_owner
from studio.run.rows import read_rows, write_rows
from studio.run.wish import Wish, read_wish, write_wish

Model = TypeVar("Model", Request, Result)

ASKED = ("request.json", "rows.jsonl")
EVALUATIONS = "evaluations"  # the folder of a run's own
SHARE_THAT_TELLS = 0.01  # of the work has to be done before its pace tells of the rest


class Progress(NamedTuple):
    """What is being done, how much of all is done, and the seconds to the end as far as the pace tells."""

    what: str
    done: int
    of: int
    seconds_left: float | None


@dataclass(frozen=True)
class Evaluation:
    """One evaluation's folder. Holds its path and nothing else, so that no two views of it can differ."""

    path: Path

    @property
    def id(self) -> str:
        """Its name, which no other evaluation of the home has."""
        return self.path.name

    @property
    def run(self) -> Run | None:
        """The run that it is about; None for a base before any training."""
        return Run(self.path.parent.parent) if self.path.parent.name == EVALUATIONS else None

    @property
    def request(self) -> Request:
        """What was asked. Raises StudioError where the file was damaged."""
        return _read(self.path / "request.json", Request)

    @property
    def events_path(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def owner_path(self) -> Path:
        return self.path / "process.json"

    @property
    def stop_path(self) -> Path:
        return self.path / "stop"

    @property
    def answers_path(self) -> Path:
        return self.path / "answers.jsonl"

    @property
    def log_path(self) -> Path:
        return self.path / "output.log"

    def asked(self) -> Examples:
        """The rows that are asked, in their order."""
        return read_rows(self.path / "rows.jsonl", "prompt-completion")

    def shown(self) -> Examples:
        """The training rows out of which those before a question are taken; empty where nobody is shown any."""
        path = self.path / "shots.jsonl"
        return read_rows(path, "prompt-completion") if path.exists() else Examples.of([])

    def events(self) -> list[AnyEvent]:
        """All that happened."""
        return read_events(self.events_path)

    def status(self) -> Status:
        """What the folder says of it at this moment: waiting, running, stopping, finished, cancelled, failed, lost."""
        if ended := self._ended():
            return Status(ended.kind)
        doer = read_owner(self.owner_path)
        if doer is None:
            return UNBEGUN[read_wish(self.stop_path)]
        if doer.alive():
            return Status.STOPPING if self.asked_to_stop() else Status.RUNNING
        if ended := self._ended():  # it may have ended between the two looks
            return Status(ended.kind)
        return Status.CANCELLED if self.asked_to_stop() else Status.LOST

    def progress(self) -> Progress:
        """How far it is, by its last events."""
        events = read_events(self.events_path, TAIL_BYTES)
        steps = list(itertools.takewhile(lambda event: not isinstance(event, Began), reversed(events)))
        worked = [event for event in steps if isinstance(event, Worked) and event.of]
        if not worked:
            last = next((event for event in reversed(events) if isinstance(event, Worked) and event.of), None)
            return Progress("Loading the models", last.done if last else 0, last.of if last else 0, None)
        newest, oldest = worked[0], worked[-1]
        share = newest.share - oldest.share
        left = None
        if share >= SHARE_THAT_TELLS:
            left = (newest.time - oldest.time) * (1 - newest.share) / share
        return Progress(newest.what, newest.done, newest.of, left)

    def cancel(self) -> None:
        """Ask it to end; what was answered is kept, so it can go on later.

        Raises:
            StudioError: the wish cannot be written.
        """
        try:
            write_wish(self.stop_path, Wish.CANCEL)
        except OSError as error:
            raise StudioError(
                f"The evaluation {self.id} could not be cancelled: its folder cannot be written to "
                f"({error.strerror}). Make it writable again; the evaluation goes on as before."
            ) from error

    def asked_to_stop(self) -> bool:
        """Whether it was asked to end."""
        return self.stop_path.exists()

    def go_on(self) -> None:
        """Let it wait for its turn again, with what was answered so far: after it was cancelled, failed or lost.

        Does nothing where it waits or is under way.

        Raises:
            StudioError: it is finished, or its folder cannot be written to.
        """
        try:
            with alone(self.path):
                status = self.status()
                if status is Status.FINISHED:
                    raise StudioError(f"The evaluation {self.id} is finished. Begin a new one to ask anew.")
                if not status.over:
                    return
                with EventWriter(self.events_path) as events:
                    events.write(Again())
                self.stop_path.unlink(missing_ok=True)
                self._release()
        except OSError as error:
            raise StudioError(
                f"The evaluation {self.id} could not go on: its folder cannot be written to ({error.strerror}). Free "
                "some space or see to its permissions, then try again."
            ) from error

    def finished_or_under_way(self) -> bool:
        """Whether it needs nobody to go on with it."""
        return self.status() in {Status.FINISHED, Status.RUNNING, Status.STOPPING}

    def asks_the_same(self, other: Evaluation) -> bool:
        """Whether the very same rows are asked of the very same contestants."""
        try:
            return all((self.path / name).read_bytes() == (other.path / name).read_bytes() for name in ASKED)
        except OSError:
            return False

    def result(self) -> Result | None:
        """What came of it; None while it is not finished. Raises StudioError where the file was damaged."""
        path = self.path / "result.json"
        return _read(path, Result) if path.exists() else None

    def rows(self) -> list[AnsweredRow]:
        """The rows with what everybody answered; empty while it is not finished."""
        try:
            lines = (self.path / "answered.jsonl").read_bytes().splitlines()
        except FileNotFoundError:
            return []
        return [AnsweredRow.model_validate(orjson.loads(line)) for line in lines]

    def error(self) -> str:
        """Why it failed, in words for the page; empty where it did not."""
        ended = self._ended()
        return ended.message if ended and ended.kind == "failed" else ""

    def _ended(self) -> Ended | None:
        last = read_events(self.events_path, TAIL_BYTES)[-1:]
        return last[0] if last and isinstance(last[0], Ended) else None

    def _release(self) -> None:
        """Nobody does it any more. Raises OSError."""
        names = (self.path / f"process.{number}.json" for number in itertools.count(1))
        if self.owner_path.exists():
            self.owner_path.rename(next(path for path in names if not path.exists()))


def make_evaluation(parent: Path, request: Request, rows: Examples, shots: Examples | None = None) -> Evaluation:
    """Make the folder of a new evaluation in `parent`, whole at once; from then on it waits for its turn.

    Raises:
        StudioError: the disk is full or read-only.
    """
    draft = parent / f"{NEW}{os.getpid()}-{secrets.token_hex(4)}"
    try:
        draft.mkdir(parents=True)
        (draft / "request.json").write_text(request.model_dump_json(indent=1), "utf-8")
        write_rows(draft / "rows.jsonl", rows)
        if shots is not None:
            write_rows(draft / "shots.jsonl", shots)
        name = f"{date.today().isoformat()}-{request.kind}-{secrets.token_hex(4)}"
        return Evaluation(draft.rename(parent / name))
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise StudioError(
            f"The evaluation could not be written to {parent} ({why}). Free some space or set another STUDIO_HOME; "
            "nothing was started."
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def remove(evaluation: Evaluation) -> None:
    """Delete it for good, with all that was answered.

    Raises:
        StudioError: it is under way, or the disk does not let go of it.
    """
    if evaluation.status().active:
        raise StudioError(f"The evaluation {evaluation.id} is under way. Cancel it first, then delete it.")
    gone = evaluation.path.with_name(f"{NEW}{os.getpid()}-{secrets.token_hex(4)}")
    try:
        evaluation.path.rename(gone)
    except OSError as error:
        raise StudioError(f"The evaluation {evaluation.id} could not be deleted ({error.strerror}).") from error
    shutil.rmtree(gone, ignore_errors=True)


def evaluations_of(run: Run) -> list[Evaluation]:
    """The run's evaluations, newest first."""
    return _newest_first(_in(run.path / EVALUATIONS))


def baselines(home: Home) -> list[Evaluation]:
    """The evaluations of bases before any training, newest first."""
    return _newest_first(_in(home.baselines))


def every_evaluation(home: Home) -> list[Evaluation]:
    """All evaluations of the home, newest first."""
    of_runs = [each for run in list_runs(home) for each in _in(run.path / EVALUATIONS)]
    return _newest_first([*of_runs, *_in(home.baselines)])


def find_evaluation(home: Home, id: str) -> Evaluation:
    """The evaluation of that name.

    Raises:
        StudioError: there is none.
    """
    for each in every_evaluation(home):
        if each.id == id:
            return each
    raise StudioError(f"There is no evaluation {id!r:.80} in {home.root} (any more).")


def _in(parent: Path) -> Iterator[Evaluation]:
    try:
        folders = list(parent.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    for folder in folders:
        if not folder.name.startswith(".") and (folder / "request.json").is_file():
            yield Evaluation(folder)


def _newest_first(found: Iterator[Evaluation] | list[Evaluation]) -> list[Evaluation]:
    return sorted(found, key=_age_of, reverse=True)


def _age_of(evaluation: Evaluation) -> tuple[int, str]:
    """When it was made, for an order; one that is being removed at this very moment is as old as any."""
    try:
        return (evaluation.path / "request.json").stat().st_mtime_ns, evaluation.id
    except OSError:
        return 0, evaluation.id


def _read(path: Path, model: type[Model]) -> Model:
    try:
        return model.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise StudioError(
            f"The file {path} cannot be read: it was damaged or is of another version of the studio. Begin a new "
            "evaluation."
        ) from error
