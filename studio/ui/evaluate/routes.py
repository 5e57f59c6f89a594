"""The routes behind the Evaluate tab: which evaluations there are, what came out of them, and beginning new ones.

Runs and evaluations go by their names, files by their ids. What changes something is a PUT, or a POST of
`application/json`, neither of which a page of another site can send.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from studio.answer.evaluation.added_rules import add_rules
from studio.answer.evaluation.begin import begin_drift, begin_scores
from studio.answer.evaluation.folder import Evaluation, baselines, evaluations_of, find_evaluation
from studio.answer.metrics.rules import MOST_RULES
from studio.answer.metrics.slices import By
from studio.errors import StudioError
from studio.home import ASSETS
from studio.run.directory import Run
from studio.ui.compare.posted import posted
from studio.ui.compare.question import GONE
from studio.ui.compare.runs import Answering
from studio.ui.evaluate.asked import AskedDrift, AskedRules, AskedScores, read, rules_of
from studio.ui.evaluate.begun import Begun, begun_once
from studio.ui.evaluate.files import files, part_for, upload
from studio.ui.evaluate.looks import Look, Looks
from studio.ui.evaluate.rows import View, opened, page_of
from studio.ui.evaluate.slices import slices_told, within
from studio.ui.evaluate.told import lines_of
from studio.ui.evaluate.told import opened as opened_evaluation
from studio.ui.routes import Json, answer, run_of, script_in
from studio.ui.studio import Studio

SCRIPTS = ASSETS / "evaluate"
NO_ROW = "There is no such row in this evaluation."
NO_RUN = f"{GONE} Its evaluations went with it."


def evaluate_routes(studio: Studio) -> APIRouter:
    """The routes, to be mounted under `/studio` ahead of the page."""
    routes, runs, looks = APIRouter(), Answering(studio.seen), Looks()

    @routes.get("/evaluate")
    def look(run: str = "") -> Response:
        found = run_of(studio.home, run) if run else None
        return answer(
            {
                "runs": runs.look(),
                "evaluations": lines_of(evaluations_of(found)) if found else [],
                "baselines": lines_of(baselines(studio.home)),
                "waits": studio.examiner_refusal() or "",
            }
        )

    @routes.post("/evaluate/scores")
    async def scores(request: Request) -> Response:
        return await _begun(studio, request, _begin_scores)

    @routes.post("/evaluate/drift")
    async def drift(request: Request) -> Response:
        return await _begun(studio, request, _begin_drift)

    @routes.get("/evaluate/files")
    def listed() -> Response:
        return _told(lambda: {"files": files(studio.home)})

    @routes.put("/evaluate/files/{name}")
    async def uploaded(name: str, request: Request) -> Response:
        try:
            return answer(await upload(studio.home, name, request.stream()))
        except StudioError as error:
            return answer({"error": str(error)}, 409)

    @routes.get("/evaluate/assets/{name}")
    def script(name: str) -> Response:
        return script_in(SCRIPTS, name)

    @routes.get("/evaluate/{id}")
    def one(id: str) -> Response:
        return _of(studio, id, lambda evaluation: opened_evaluation(evaluation, looks))

    @routes.get("/evaluate/{id}/rows")
    def rows(id: str, view: Annotated[View, Query()]) -> Response:
        def page(evaluation: Evaluation) -> Json:
            seen = looks.at(evaluation)
            return page_of(seen.rows, seen.scores, view, within(seen, view.by, view.slice) if view.by else None)

        return _of(studio, id, page)

    @routes.get("/evaluate/{id}/rows/{place}")
    def row(id: str, place: int) -> Response:
        return _of(studio, id, lambda evaluation: _row(looks.at(evaluation), place))

    @routes.get("/evaluate/{id}/slices")
    def slices(id: str, by: By = "label") -> Response:
        return _of(studio, id, lambda evaluation: slices_told(looks.at(evaluation), by))

    @routes.post("/evaluate/{id}/rules")
    async def rules(id: str, request: Request) -> Response:
        return await _changed(studio, id, request, _add_rules)

    @routes.post("/evaluate/{id}/cancel")
    async def cancel(id: str, request: Request) -> Response:
        return await _changed(studio, id, request, lambda evaluation, _: evaluation.cancel())

    @routes.post("/evaluate/{id}/resume")
    async def resume(id: str, request: Request) -> Response:
        return await _changed(studio, id, request, lambda evaluation, _: evaluation.go_on())

    return routes


def _run(studio: Studio, name: str) -> Run:
    run = run_of(studio.home, name)
    if run is None:
        raise StudioError(NO_RUN)
    return run


def _begin_scores(studio: Studio, sent: Json) -> Begun:
    asked = read(AskedScores, sent)
    rules, run = rules_of(asked.rules), _run(studio, asked.run)

    def begin() -> Evaluation:
        return begin_scores(
            studio.home,
            run,
            shots=asked.shots,
            limit=asked.limit,
            checkpoints=[int(name.rpartition("-")[2]) for name in asked.checkpoints],
            others=asked.others,
            rules=rules,
            judge=asked.judge,
        )

    return begun_once(studio.home, begin, lambda: evaluations_of(run))


def _begin_drift(studio: Studio, sent: Json) -> Begun:
    asked = read(AskedDrift, sent)
    run = _run(studio, asked.run)
    part = part_for(studio.home, run, asked.file)
    return begun_once(studio.home, lambda: begin_drift(studio.home, run, part), lambda: evaluations_of(run))


async def _begun(studio: Studio, request: Request, begin: Callable[[Studio, Json], Begun]) -> Response:
    try:
        begun = await run_in_threadpool(begin, studio, await posted(request))
    except StudioError as error:
        return answer({"error": str(error)}, 409)
    studio.examiner.poke()
    return answer({"id": begun.evaluation.id, "again": begun.again})


async def _changed(studio: Studio, id: str, request: Request, change: Callable[[Evaluation, Json], None]) -> Response:
    try:
        sent = await posted(request)
        evaluation = await run_in_threadpool(find_evaluation, studio.home, id)
        await run_in_threadpool(change, evaluation, sent)
    except StudioError as error:
        return answer({"error": str(error)}, 409)
    studio.examiner.poke()
    return answer({})


def _add_rules(evaluation: Evaluation, sent: Json) -> None:
    most = MOST_RULES - len(evaluation.request.rules)
    add_rules(evaluation, rules_of(read(AskedRules, sent).rules, most))


def _row(look: Look, place: int) -> Json:
    if not 0 <= place < len(look.rows):
        raise StudioError(NO_ROW)
    return opened(look.rows[place], place, look.scores, [each.name for each in look.request.contestants])


def _of(studio: Studio, id: str, what: Callable[[Evaluation], Json]) -> Response:
    return _told(lambda: what(find_evaluation(studio.home, id)))


def _told(what: Callable[[], Json]) -> Response:
    try:
        return answer(what())
    except StudioError as error:
        return answer({"error": str(error)}, 409)
    except OSError as error:
        return answer({"error": f"It cannot be read ({error.strerror}). It may have been deleted meanwhile."}, 409)
