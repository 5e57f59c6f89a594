"""The routes behind the blind vote: a question to two voices, the vote, the verdict, and what the votes leave.

Until the vote nothing that leaves here says whose answer is whose: both go out at once when both are whole, in an order
drawn by chance, under an id that means nothing; who said which stays in the ballot on this side.
"""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, StringConstraints, ValidationError
from starlette.concurrency import run_in_threadpool

from studio.answer.settings import Settings
from studio.answer.votes.ballots import Ballot, BallotGoneError, Ballots, shuffled
from studio.answer.votes.kept import add_vote, read_votes, undo_vote
from studio.answer.votes.pairs import SENSIBLE, pairs_of, write_pairs
from studio.answer.votes.verdict import tally_of, verdict_of
from studio.answer.votes.vote import Choice, Pair, Vote, by_name, title_of, write_votes
from studio.answer.votes.walk import Walk
from studio.answer.votes.words import apart, headline, how_sure
from studio.answer.wire import Asked
from studio.data.tokens.encode import Message, prompt_messages
from studio.errors import StudioError
from studio.home import Home
from studio.run.directory import Run
from studio.ui.compare.posted import posted
from studio.ui.compare.question import GONE, MOST_LETTERS, AskedVoice, Name, Sent
from studio.ui.compare.telling import Telling, as_line, streamed
from studio.ui.routes import Json, answer, run_of
from studio.ui.studio import Studio

ALIKE = "These are one and the same, so there is nothing to choose between. Choose two different ones."
CHOICES: dict[str, Choice] = {"1": "first", "2": "second", "tie": "tie", "bad": "bad"}

Text = Annotated[str, StringConstraints(max_length=MOST_LETTERS)]
S = TypeVar("S", bound=BaseModel)


class Between(Sent):
    """Two voices, and the run that keeps the votes between them."""

    run: str
    voices: tuple[AskedVoice, AskedVoice]

    def pair(self, home: Home) -> Pair:
        """Both by name. Raises StudioError where a run is no longer there."""
        one, other = (by_name(each.voice(home)) for each in self.voices)
        return one, other


class Question(Between):
    """What both are asked: `prompt`, or the next held-out row where it is None."""

    asker: Name
    prompt: Text | None = None
    system: Text = ""
    settings: Settings = Settings()


class Mark(Sent):
    """What is chosen on a ballot."""

    ballot: Name
    choice: Literal["1", "2", "tie", "bad"]


@dataclass(frozen=True)
class Draft:
    """A ballot before the answers are there. `left`: held-out rows still to come."""

    ballot: Ballot
    asked: dict[str, Asked]
    left: int | None = None


@dataclass(frozen=True)
class BlindRoom:
    """What the routes work with. Open ballots end with this process; the votes are in the runs."""

    studio: Studio
    telling: Telling
    ballots: Ballots = field(default_factory=Ballots)
    walk: Walk = field(default_factory=Walk)

    def draft(self, question: Question) -> Draft:
        """The question as the chat host is asked, with the voices in the order in which they will be shown.

        Raises StudioError where it cannot be asked.
        """
        if refusal := self.studio.chat_refusal():
            raise StudioError(refusal)
        run = _found(self.studio.home, question.run)
        if len(set(question.pair(self.studio.home))) < 2:
            raise StudioError(ALIKE)
        messages, row, reference, left = self._messages(run, question)
        order = shuffled([each.voice(self.studio.home) for each in question.voices])
        pair = by_name(order[0]), by_name(order[1])
        ballot = Ballot(run, messages, pair, ("", ""), question.settings, row, reference)
        return Draft(ballot, {str(place): Asked(voice, messages) for place, voice in enumerate(order, 1)}, left)

    def _messages(self, run: Run, question: Question) -> tuple[list[Message], int | None, str, int | None]:
        if question.prompt is not None:
            if not question.prompt.strip():
                raise StudioError("The prompt is empty. Type one, or let the held-out rows ask.")
            return prompt_messages(question.prompt, question.system.strip()), None, "", None
        row = self.walk.next(run, read_votes(run), question.pair(self.studio.home))
        system = question.system.strip() if row.messages[0]["role"] != "system" else ""
        start = [{"role": "system", "content": system}] if system else []
        return [*start, *row.messages], row.row, row.reference, row.left

    async def lines(self, question: Question, draft: Draft) -> AsyncIterator[bytes]:
        """What is told of a question: the prompt, how far both are together, then both answers at once."""
        ballot, tokens = draft.ballot, 0
        yield as_line({"kind": "prompt", "messages": _shown(ballot.prompt), "row": ballot.row, "left": draft.left})
        async with aclosing(self.telling.lines(question.asker, draft.asked, question.settings)) as told:
            async for said in told:
                line = json.loads(said)
                match line["kind"]:
                    case "said":
                        tokens += sum(map(len, line["pieces"].values()))
                        yield as_line({"kind": "answering", "tokens": tokens})
                    case "note" if not tokens:  # later ones may speak of one of the two answers
                        yield as_line({"kind": "note", "note": line["note"]})
                    case "failed":
                        yield as_line(line)
                    case "done":
                        yield as_line(await run_in_threadpool(self._held, ballot, line))

    def _held(self, ballot: Ballot, done: Json) -> Json:
        """Both answers, whole, under a ballot; or that both said the same, which counts as a tie."""
        ended = {measure["ended"] for measure in done["measures"].values()}
        if len(done["measures"]) < 2 or "stopped" in ended:
            return {"kind": "done", "stopped": True}
        ballot = replace(ballot, answers=(done["texts"]["1"], done["texts"]["2"]))
        if not ballot.same:
            return {"kind": "done", "ballot": self.ballots.hand_out(ballot), "answers": ballot.answers}
        try:
            add_vote(ballot.run, ballot.vote("same"))
        except StudioError as error:
            return {"kind": "failed", "error": str(error)}
        return {"kind": "done", "same": ballot.answers[0], "reference": ballot.reference}

    def mark(self, mark: Mark) -> Json:
        """Keep a vote, and say now who was who. Raises StudioError where the ballot is gone, or it cannot be kept."""

        def keep(ballot: Ballot) -> tuple[Ballot, Vote]:
            vote = ballot.vote(CHOICES[mark.choice])
            add_vote(ballot.run, vote)
            return ballot, vote

        ballot, vote = self.ballots.use(mark.ballot, keep)
        names = [title_of(voice, ballot.run.name) for voice in ballot.voices]
        return {"vote": vote.id, "names": names, "choice": mark.choice, "reference": ballot.reference}

    def standing(self, between: Between) -> Json:
        """The verdict between two voices. Raises StudioError where the run is gone or its votes cannot be read."""
        run = _found(self.studio.home, between.run)
        votes, pair = read_votes(run), between.pair(self.studio.home)
        verdict = verdict_of(tally_of(votes, pair))
        titles = title_of(pair[0], run.name), title_of(pair[1], run.name)
        cast = [vote.id for vote in votes if set(vote.voices) == set(pair) and vote.choice != "same"]
        return {
            "titles": titles,
            "wins": verdict.tally.wins,
            "leader": verdict.tally.leader,
            "state": verdict.state,
            "share": verdict.share,
            "interval": verdict.interval,
            "headline": headline(verdict, titles),
            "sure": how_sure(verdict),
            "apart": apart(verdict.tally),
            "last": cast[-1] if cast else "",
            "votes": len(votes),
            "pairs": len(pairs_of(votes)),
            "sensible": SENSIBLE,
        }


def blind_routes(studio: Studio) -> APIRouter:
    """The routes, to be mounted under `/studio` ahead of the page."""
    routes, room = APIRouter(), BlindRoom(studio, Telling(studio.chat))

    @routes.post("/blind/ask")
    async def ask(request: Request) -> Response:
        try:
            question = _read(Question, await posted(request))
            draft = await run_in_threadpool(room.draft, question)
        except StudioError as error:
            return answer({"error": str(error)}, 409)
        return streamed(room.lines(question, draft))

    @routes.post("/blind/vote")
    async def vote(request: Request) -> Response:
        return await _done(request, lambda sent: room.mark(_read(Mark, sent)))

    @routes.post("/blind/verdict")
    async def verdict(request: Request) -> Response:
        return await _done(request, lambda sent: room.standing(_read(Between, sent)))

    @routes.delete("/blind/{name}/votes/{vote}")
    def undo(name: str, vote: str) -> Response:
        try:
            undo_vote(_found(studio.home, name), vote)
        except StudioError as error:
            return answer({"error": str(error)}, 409)
        return answer({})

    @routes.get("/runs/{name}/votes.jsonl")
    def votes_file(name: str) -> Response:
        return _file(studio.home, name, "votes", write_votes)

    @routes.get("/runs/{name}/preferences.jsonl")
    def pairs_file(name: str) -> Response:
        return _file(studio.home, name, "preferences", lambda votes, file: write_pairs(pairs_of(votes), file))

    return routes


async def _done(request: Request, what: Callable[[Json], Json]) -> Response:
    try:
        return answer(await run_in_threadpool(what, await posted(request)))
    except BallotGoneError as error:
        return answer({"error": str(error), "gone": True}, 410)
    except StudioError as error:
        return answer({"error": str(error)}, 409)


def _file(home: Home, name: str, what: str, write: Callable[[list[Vote], io.BytesIO], None]) -> Response:
    try:
        run = _found(home, name)
        file = io.BytesIO()
        write(read_votes(run), file)
    except StudioError as error:
        return answer({"error": str(error)}, 404)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(f'{run.name}-{what}.jsonl')}",
        "Cache-Control": "no-store",
    }
    return Response(file.getvalue(), media_type="application/jsonl", headers=headers)


def _found(home: Home, name: str) -> Run:
    run = run_of(home, name) if name else None
    if run is None:
        raise StudioError(GONE)
    return run


def _read(kind: type[S], sent: Json) -> S:
    """What a page sent. Raises StudioError where something is out of bounds, with all of it."""
    try:
        return kind.model_validate(sent)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)[:5]
        said = (f"{' → '.join(map(str, each['loc']))}: {each['msg']}." for each in problems)
        raise StudioError(*(f"This cannot be asked. {each} Change it and try again." for each in said)) from None


def _shown(messages: list[Message]) -> list[Message]:
    return [{"role": each["role"], "content": str(each.get("content") or "")} for each in messages]
