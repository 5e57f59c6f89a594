"""The JSON routes behind the History tab: what is new of the runs, curves over one another, notes, deletion, export.

What changes something is PUT or DELETE: a browser lets no page of another site send those.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Body, Query
from fastapi.responses import Response, StreamingResponse

from studio.errors import StudioError
from studio.home import Home
from studio.run.directory import Run
from studio.run.history.difference import differences
from studio.run.history.history import History
from studio.run.history.notes import change_notes
from studio.run.history.removal import delete
from studio.run.history.summary import Summary
from studio.share.run_file import ENDING, packed
from studio.ui.history.curves import curves_of
from studio.ui.routes import Json, answer, run_of

FEWEST, MOST = 2, 8  # runs whose curves lie over one another


def history_routes(home: Home) -> APIRouter:
    """The routes, to be mounted under `/studio` ahead of the page."""
    routes, history = APIRouter(), History(home)

    @routes.get("/history")
    def news(since: int = 0) -> Response:
        try:
            look = history.look(since)
        except OSError as error:
            return answer({"error": f"The runs cannot be read ({error.strerror}). Is {home.runs} still there?"}, 503)
        names = {} if look.names is None else {"names": look.names}
        return answer({"now": look.now, "more": look.more, "rows": [_row(row) for row in look.rows]} | names)

    @routes.get("/history/curves")
    def curves(run: list[str] = Query(default=[])) -> Response:  # noqa: B008
        if not FEWEST <= len(set(run)) <= MOST:
            return answer({"error": f"Choose {FEWEST} to {MOST} runs."}, 400)
        found = [run_of(home, name) for name in dict.fromkeys(run)]
        runs = [each for each in found if each]
        if len(runs) < len(found):
            return answer({"error": "One of these runs is no longer there. Choose others."}, 404)
        return answer({"runs": [curves_of(each) for each in runs]} | _differences(runs))

    @routes.put("/history/{name}/notes")
    def notes(name: str, changes: Json = Body()) -> Response:  # noqa: B008
        return _done(home, name, lambda run: change_notes(run, changes).model_dump(mode="json"))

    @routes.delete("/history/{name}")
    def remove(name: str) -> Response:
        return _done(home, name, lambda run: {"freed": delete(home, run)})

    @routes.get("/runs/{name}/run.zip")
    def run_file(name: str, checkpoints: bool = False) -> Response:
        run = run_of(home, name)
        if run is None:
            return answer({"error": "This run is no longer there."}, 404)
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name + ENDING)}"}
        return StreamingResponse(packed(run, checkpoints), media_type="application/zip", headers=headers)

    return routes


def _done(home: Home, name: str, what: Any) -> Response:
    run = run_of(home, name)
    if run is None:
        return answer({"error": "This run is no longer there."}, 404)
    try:
        return answer(what(run))
    except StudioError as error:
        return answer({"error": str(error)}, 409)


def _row(summary: Summary) -> Json:
    row = asdict(summary)
    return row | {"notes": summary.notes.model_dump(mode="json"), "status": summary.status.value}


def _differences(runs: list[Run]) -> Json:
    """The differing options of the runs' recipes; words where one of them cannot be read."""
    try:
        found = differences([run.recipe for run in runs])
    except StudioError as error:
        return {"differences": [], "wrong": str(error)}
    return {"differences": [asdict(each) for each in found], "wrong": ""}
