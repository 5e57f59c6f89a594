"""The routes behind the Compare tab: who can answer, a question and its answers, rows as prompts.

Runs go by their names. A question is a POST of `application/json`, which no page of another site can send.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from studio.answer.differences import Answer, differences
from studio.answer.few_shot import few_shot
from studio.answer.wire import Asked, Piece
from studio.errors import StudioError
from studio.home import ASSETS, Home
from studio.run.directory import Run
from studio.share.heard import zip_heard
from studio.ui.compare.posted import posted
from studio.ui.compare.question import GONE, Question, question_of, voice_of, warmed
from studio.ui.compare.rows import Part, Rows
from studio.ui.compare.runs import Answering
from studio.ui.compare.telling import Telling, streamed
from studio.ui.downloads import exports
from studio.ui.routes import Json, answer, run_of, script_in
from studio.ui.studio import Studio

SCRIPTS = ASSETS / "compare"


def compare_routes(studio: Studio) -> APIRouter:
    """The routes, to be mounted under `/studio` ahead of the page."""
    routes, runs, rows, telling = APIRouter(), Answering(studio.seen), Rows(), Telling(studio.chat)
    writing = anyio.Lock()  # each takes the memory of a base

    @routes.get("/compare/voices")
    def voices() -> Response:
        return answer({"runs": runs.look(), "models": []})

    @routes.post("/compare/ask")
    async def ask(request: Request) -> Response:
        try:
            question = question_of(await posted(request))
            asked = await run_in_threadpool(_asked, studio, question)
        except StudioError as error:
            return answer({"error": str(error)}, 409)
        return streamed(telling.lines(question.asker, asked, question.settings))

    @routes.post("/compare/stop")
    async def stop(request: Request) -> Response:
        try:
            sent = await posted(request)
        except StudioError as error:
            return answer({"error": str(error)}, 409)
        studio.chat.stop(str(sent.get("asker", "")))
        return answer({})

    @routes.post("/compare/warm")
    async def warm(request: Request) -> Response:
        try:
            asker, voices = warmed(await posted(request), studio.home)
        except StudioError as error:
            return answer({"error": str(error)}, 409)
        if not await run_in_threadpool(studio.chat_refusal):
            await run_in_threadpool(studio.chat.warm)
            if voices:
                telling.load(asker, voices)
        return answer({})

    @routes.post("/compare/take")
    async def take(request: Request) -> Response:
        try:
            voice = voice_of(await posted(request)).voice(studio.home)
            if refusal := await run_in_threadpool(studio.chat_refusal):
                raise StudioError(refusal)
            async with writing:
                path = await run_in_threadpool(zip_heard, voice, _exports(studio.home))
        except StudioError as error:
            return answer({"error": str(error)}, 409)
        return answer({"path": f"exports/{path.parent.name}/{quote(path.name)}"})

    @routes.post("/compare/differences")
    async def compared(request: Request) -> Response:
        try:
            answers = _answers(await posted(request))
            found = await run_in_threadpool(differences, answers)
        except StudioError as error:
            return answer({"error": str(error)}, 409)
        return answer({"differences": [each.to_json() for each in found]})

    @routes.get("/compare/rows")
    def row(run: str, part: Part = "held_out", at: int = 0) -> Response:
        return _of_run(studio.home, run, lambda found: rows.one(found, part, at))

    @routes.get("/compare/shots")
    def shots(run: str, k: int = 4, asked: str = "") -> Response:
        return _of_run(studio.home, run, lambda found: vars(few_shot(found, k, asked)))

    @routes.get("/compare/assets/{name}")
    def script(name: str) -> Response:
        return script_in(SCRIPTS, name)

    return routes


def _exports(home: Home) -> Path:
    """Where adapters lie that were made for download."""
    folder = exports(home) / "adapters"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _asked(studio: Studio, question: Question) -> dict[str, Asked]:
    """What the chat host is asked. Raises StudioError where it may not answer now, or a run is gone."""
    if refusal := studio.chat_refusal():
        raise StudioError(refusal)
    return {name: Asked(pane.voice.voice(studio.home), pane.conversation()) for name, pane in question.panes.items()}


def _of_run(home: Home, name: str, what: Callable[[Run], Json]) -> Response:
    run = run_of(home, name)
    if run is None:
        return answer({"error": GONE}, 404)
    try:
        return answer(what(run))
    except StudioError as error:
        return answer({"error": str(error)}, 409)


def _answers(sent: Json) -> dict[str, Answer]:
    try:
        read = TypeAdapter(dict[str, dict[str, Any]]).validate_python(sent.get("answers"))
        pieces = TypeAdapter(list[Piece])
        return {
            name: Answer(
                asked=TypeAdapter(list[dict[str, str]]).validate_python(each.get("asked", [])),
                text=str(each.get("text", "")),
                pieces=pieces.validate_python(each.get("pieces", [])),
                ended=each.get("ended") == "end",
            )
            for name, each in read.items()
        }
    except ValidationError as error:
        raise StudioError("These answers cannot be compared. Reload the page and ask again.") from error
