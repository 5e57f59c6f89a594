"""Files that the page offers for download, made when they are asked for."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import FileResponse, PlainTextResponse, Response

from studio.errors import StudioError
from studio.home import Home
from studio.run.directory import list_runs
from studio.share.adapter import zip_adapter


def download_routes(home: Home) -> APIRouter:
    """The routes of the downloads, to be mounted under `/studio` ahead of the page."""
    routes = APIRouter()

    @routes.get("/runs/{name}/adapter.zip")
    def adapter(name: str) -> Response:
        run = next((run for run in list_runs(home) if run.name == name), None)
        if run is None:
            return PlainTextResponse("There is no such run.", 404)
        try:
            path = zip_adapter(run, run.path / "exports")
        except StudioError as error:
            return PlainTextResponse(str(error), 409)
        return FileResponse(path, filename=path.name, media_type="application/zip")

    return routes
