"""Doing an evaluation: all contestants answer and read all rows, whatever is missing of it, and it is scored."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from studio.answer.evaluation.answered import AnsweredRow, Read
from studio.answer.evaluation.answers import Answers, Learnt, Marked, Said
from studio.answer.evaluation.contestants import Asked, asked_of, mark_of_ids, none_fits
from studio.answer.evaluation.events import Began, Noted, Worked
from studio.answer.evaluation.folder import Evaluation
from studio.answer.evaluation.known import Known, known_of, model_of, tell_models
from studio.answer.evaluation.request import BASE, Contestant
from studio.answer.evaluation.result import Result, Scores
from studio.data.example import Example, asked_text
from studio.data.wording import counted, listed
from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.answer.evaluation.references import Tokens
    from studio.answer.voices import Seat
    from studio.run.events import EventWriter

LOOK = 0.2  # seconds between two looks whether it was asked to end
TELL = 1.0  # seconds between two words on how far it is
READING = 0.1  # of the work of an answer is in reading a reference, about


class Stopped(Exception):
    """It was asked to end before it was done."""


@dataclass
class Pace:
    """Tells how far it is. The work of an answer is 1."""

    events: EventWriter
    rows: int
    work: float
    done: int = 0
    behind: float = 0.0
    told: float = 0.0

    def add(self, what: str, rows: int, each: float) -> None:
        """So many rows of `each` work are behind."""
        self.done += rows
        self.behind += rows * each
        self.tell(what)

    def tell(self, what: str, at_once: bool = False) -> None:
        """Write down how far it is, not too often."""
        now = time.monotonic()
        if at_once or now - self.told >= TELL or self.done >= self.rows:
            self.told = now
            share = min(1.0, self.behind / self.work) if self.work else 1.0
            self.events.write(Worked(what=what, done=self.done, of=self.rows, share=share))


class Work:
    """One evaluation, as the process that does it has it. `may_execute`: whether a user's own metric may be run."""

    def __init__(
        self, evaluation: Evaluation, events: EventWriter, answers: Answers, may_execute: bool = False
    ) -> None:
        self._evaluation = evaluation
        self._may_execute = may_execute
        self._events = events
        self._answers = answers
        self._request = evaluation.request
        self._rows = dict(enumerate(evaluation.asked()))
        self._looked = 0.0
        self._stop = False
        self._longest = 0

    def done(self) -> Result:
        """Do what is missing, write the answered rows and the result, and return it.

        Raises:
            StudioError: a model cannot be loaded or asked.
            Stopped: it was asked to end.
            OSError: the disk is full.
        """
        self._refuse()
        from studio.answer.engine import Engine

        contestants = [each for each in self._request.contestants if not self._stands_in(each)]
        seats = Engine().seats([each.voice for each in contestants], self._loading)
        seated = sorted(zip(contestants, seats, strict=True), key=lambda pair: pair[1].in_turn)
        if self._request.task == "classes":
            skipped = self._classified(seated)
        elif self._request.kind == "drift":
            skipped = self._read_only(seated)
        else:
            skipped = self._written(seated)
        return self._finished(skipped)

    def _refuse(self) -> None:
        """Raise StudioError where the judge or a user's own metric is of no use, before anybody answers."""
        request = self._request
        if request.judge is not None:
            from studio.answer.metrics.judge import problems

            if found := problems(request.judge):
                raise StudioError(*found)
        if request.own:
            if not self._may_execute:
                raise StudioError(
                    f"This evaluation has a metric of its own, {request.own}, and such a file is executed from the "
                    "command line only. Score the run there: python -m studio score RUN --own FILE.py."
                )
            from studio.answer.metrics.own import check

            check(request.own)

    def _stands_in(self, contestant: Contestant) -> bool:
        """Whether a base without a head for classes is meant."""
        return self._request.task == "classes" and contestant.voice.is_base

    def _written(self, seated: list[tuple[Contestant, Seat]]) -> list[int]:
        """All write; the places of the rows that not everybody can hold."""
        pool = self._evaluation.shown()
        asked = [asked_of(contestant, seat, self._rows, pool) for contestant, seat in seated]
        kept = [place for place in self._rows if all(each.holds(place) for each in asked)]
        if not kept:
            raise none_fits(min((each.seat.context for each in asked if each.seat.context), default=None))
        self._longest = max(each.longest for each in asked)
        models = {each.name: (model_of(each), each.longest) for each in asked if not each.seat.in_turn}
        tell_models(self._evaluation, models)
        each_row, all_answers = 2 + bool(self._request.judge), len(kept) * len(asked)
        pace = Pace(self._events, each_row * all_answers, (each_row - 1 + READING) * all_answers)
        for each in asked:
            if model := models.get(each.name, ("", 0))[0]:
                self._take_known(each, kept, known_of(self._evaluation, each, model))
            self._answer(each, kept, pace)
            self._read(each, kept, pace)
        self._judge(kept, pace)
        held = set(kept)
        return [place for place in self._rows if place not in held]

    def _judge(self, kept: list[int], pace: Pace) -> None:
        """Each row as it comes is kept, so that nobody is asked twice."""
        judge = self._request.judge
        if judge is None:
            return
        from studio.answer.metrics.judge import marked

        what, names = f"{judge.model} marks", [each.name for each in self._request.contestants]
        waiting = [place for place in kept if any((name, place) not in self._answers.marks for name in names)]
        pace.add(what, (len(kept) - len(waiting)) * len(names), 1.0)
        rows = [self._answered(place, self._rows[place]) for place in waiting]
        for place, row in zip(waiting, marked(rows, judge), strict=True):
            self._answers.add(Marked(who=name, place=place, mark=row.marks.get(name)) for name in names)
            pace.add(what, len(names), 1.0)
            self._heed()

    def _take_known(self, asked: Asked, kept: list[int], known: Known) -> None:
        """What the same model was asked before in the same words counts here too."""
        said, read = self._answers.said, self._answers.read
        marks = {place: mark_of_ids(asked.prompts[place]) for place in kept if (asked.name, place) not in said}
        taken = [
            known.said[mark].model_copy(update={"who": asked.name, "place": place})
            for place, mark in marks.items()
            if mark in known.said
        ]
        wanted = {place: asked.rows[place] for place in kept if (asked.name, place) not in read} if known.read else {}
        self._answers.add(taken)
        self._answers.add(
            known.read[mark].model_copy(update={"who": asked.name, "place": place})
            for place, tokens in self._labelled(asked, wanted).items()
            if (mark := mark_of_labels(tokens)) in known.read
        )
        if taken:
            self._note(
                f"{len(taken):,} of {counted(len(kept), 'answer')} of {asked.name} were there already, from "
                f"{listed(known.where, 3)}."
            )

    def _answer(self, asked: Asked, kept: list[int], pace: Pace) -> None:
        from studio.answer.evaluation.writing import write

        marks = {place: mark_of_ids(asked.prompts[place]) for place in kept}
        missing = {place: asked.prompts[place] for place in kept if (asked.name, place) not in self._answers.said}
        what = f"{_named(asked.name)} answers"
        pace.add(what, len(kept) - len(missing), 1.0)
        if not missing:
            return
        pace.tell(what, at_once=True)
        expected = {} if asked.contestant.voice.is_base else asked.references
        for wrote in write(asked.seat, missing, asked.longest, self._stopped, self._note, expected):
            lines = [
                Said(
                    who=asked.name,
                    place=place,
                    text=str(asked.seat.tokenizer.decode(answer.ids, skip_special_tokens=True)),
                    tokens=len(answer.ids),
                    ended=answer.ended,
                    asked=marks[place],
                )
                for place, answer in wrote.items()
            ]
            self._answers.add(lines)
            pace.add(what, len(lines), 1.0)
        self._heed()

    def _read(self, asked: Asked, kept: Iterable[int], pace: Pace) -> None:
        """Only what was not read yet. Of what the model cannot hold it is kept that there is nothing."""
        from studio.answer.evaluation.references import read_references

        wanted = list(kept)
        missing = [place for place in wanted if (asked.name, place) not in self._answers.read]
        what = f"{_named(asked.name)} reads the references"
        pace.add(what, len(wanted) - len(missing), READING)
        if not missing:
            return
        tokens = self._labelled(asked, {place: asked.rows[place] for place in missing})
        found = read_references(asked.seat, tokens, self._stopped, self._note)
        for read in (dict.fromkeys(set(missing) - set(tokens), Read(nats=0.0, tokens=0)), *found):
            self._answers.add(
                Learnt(
                    who=asked.name,
                    place=place,
                    nats=each.nats,
                    tokens=each.tokens,
                    asked=mark_of_labels(tokens[place]) if place in tokens else "",
                )
                for place, each in read.items()
            )
            pace.add(what, len(read), READING)
        self._heed()

    def _labelled(self, asked: Asked, rows: dict[int, Example]) -> dict[int, Tokens]:
        from studio.answer.evaluation.references import labelled

        return labelled(asked.seat, rows) if rows else {}

    def _read_only(self, seated: list[tuple[Contestant, Seat]]) -> list[int]:
        pace = Pace(self._events, len(self._rows) * len(seated), READING * len(self._rows) * len(seated))
        for contestant, seat in seated:
            self._read(Asked(contestant, seat, self._rows), self._rows, pace)
        return []

    def _classified(self, seated: list[tuple[Contestant, Seat]]) -> list[int]:
        from studio.answer.evaluation.classes import name_classes

        texts = {place: asked_text(row.prompt, row.completion, row.messages) for place, row in self._rows.items()}
        kept = [place for place in texts if texts[place].strip()]
        pace = Pace(self._events, len(kept) * len(seated), len(kept) * len(seated))
        for contestant, seat in seated:
            missing = {p: texts[p] for p in kept if (contestant.name, p) not in self._answers.said}
            what = f"{_named(contestant.name)} names classes"
            pace.add(what, len(kept) - len(missing), 1.0)
            for named in name_classes(seat, missing, self._stopped):
                self._answers.add(
                    Said(who=contestant.name, place=place, text=label, tokens=0, ended=True)
                    for place, label in named.items()
                )
                pace.add(what, len(named), 1.0)
            self._heed()
        self._note(
            f"The base has no head for the classes: the most frequent class of the training rows, "
            f"{self._request.usual_class!r}, stands for it."
        )
        return [place for place in texts if not texts[place].strip()]

    def _finished(self, skipped: list[int]) -> Result:
        left_out = set(skipped)
        rows = [self._answered(place, row) for place, row in self._rows.items() if place not in left_out]
        if self._request.own:
            from studio.answer.metrics.own import with_own

            rows = with_own(rows, self._request.own)
        scores = self._scores(rows)
        result = Result(
            scores=scores.model_copy(update={"values": {}}),
            skipped=[self._rows[place].row for place in skipped],
            notes=self._notes(),
            max_new_tokens=self._longest,
            seconds=(seconds := _seconds(self._evaluation)),
            answers_per_second=sum(len(row.answers) for row in rows) / seconds if seconds else 0.0,
        )
        folder = self._evaluation.path
        _write_whole(folder / "answered.jsonl", b"".join(orjson.dumps(row.to_json()) + b"\n" for row in rows))
        _write_whole(folder / "result.json", result.model_dump_json(indent=1, exclude={"scores": {"values"}}).encode())
        os.utime(folder.parent)  # who looks at the run sees that something came
        return result

    def _scores(self, rows: list[AnsweredRow]) -> Scores:
        request = self._request
        if request.kind == "drift":
            return Scores(n=len(rows), against=request.against, metrics=[], main="", why=[], headline="")
        from studio.answer.metrics.scoring import score_rows

        return score_rows(rows, request)

    def _answered(self, place: int, row: Example) -> AnsweredRow:
        request, answers = self._request, self._answers
        said = {
            each.name: answers.said[each.name, place].text
            for each in request.contestants
            if (each.name, place) in answers.said
        }
        if request.task == "classes":
            said = {BASE: request.usual_class} | said
        read = {each.name: answers.read.get((each.name, place)) for each in request.contestants}
        marks = {each.name: answers.marks.get((each.name, place)) for each in request.contestants}
        return AnsweredRow(
            row=row.row,
            prompt=row.prompt if request.task == "text" else asked_text(row.prompt, row.completion, row.messages),
            reference=row.completion if request.task == "text" else row.completion.strip(),
            answers=said,
            read={who: Read(nats=each.nats, tokens=each.tokens) for who, each in read.items() if each and each.tokens},
            marks={who: each.mark for who, each in marks.items() if each and each.mark is not None},
            label=row.label,
            group=row.group,
            source=row.source,
        )

    def _notes(self) -> list[str]:
        noted = [event.note for event in self._evaluation.events() if isinstance(event, Noted)]
        return list(dict.fromkeys([*self._request.notes, *noted]))

    def _note(self, note: str) -> None:
        self._events.write(Noted(note=note))

    def _loading(self, note: str) -> None:
        self._events.write(Worked(what=note, done=0, of=0, share=0.0))
        self._heed()

    def _heed(self) -> None:
        """Raises Stopped where it was asked to end."""
        if self._stopped():
            raise Stopped

    def _stopped(self) -> bool:
        now = time.monotonic()
        if now - self._looked >= LOOK:
            self._looked = now
            self._stop = self._stop or self._evaluation.asked_to_stop()
        return self._stop


def mark_of_labels(tokens: Tokens) -> str:
    """Tells what is read, and which of it is judged, from anything else."""
    ids, labels = tokens
    return mark_of_ids([*ids, -1, *labels])


def _named(contestant: str) -> str:
    """As the start of a sentence."""
    known = {"base": "The base", "few-shot": "The base with examples", "tuned": "The tuned model"}
    return known.get(contestant, contestant)


def _seconds(evaluation: Evaluation) -> float:
    """Of computing, over all processes that had a part in it, up to now."""
    seconds, began, last = 0.0, 0.0, 0.0
    for event in evaluation.events():
        if isinstance(event, Began):
            seconds += last - began
            began = event.time
        last = event.time
    return seconds + max(0.0, time.time() - began) if began else 0.0


def _write_whole(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}")
    draft.write_bytes(content)
    draft.replace(path)
