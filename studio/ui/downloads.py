"""Files that the page offers for download, made when they are asked for."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, PlainTextResponse, Response

from studio.errors import StudioError
from studio.home import Home
from studio.run.directory import list_runs
from studio.share.result import zip_result


def download_routes(home: Home) -> APIRouter:
    """The routes of the downloads, to be mounted under `/studio` ahead of the page."""
    routes = APIRouter()

    @routes.get("/runs/{name}/result.zip")
    def result(name: str) -> Response:
        run = next((run for run in list_runs(home) if run.name == name), None)
        if run is None:
            return PlainTextResponse("There is no such run.", 404)
        try:
            path = zip_result(run, run.path / "exports")
        except StudioError as error:
            return PlainTextResponse(str(error), 409)
        return FileResponse(path, filename=path.name, media_type="application/zip")

    @routes.get("/exports/{folder}/{name}")
    def export(folder: str, name: str) -> Response:
        path = next(
            (path for path in exports(home).glob("*/*") if (path.parent.name, path.name) == (folder, name)), None
        )
        if path is None:
            return PlainTextResponse("This file is gone; export the rows again in the Data tab.", 404)
        return FileResponse(path, filename=path.name, media_type="application/octet-stream")

    return routes


def exports(home: Home) -> Path:
    """Where rows lie that were made for download: a folder a set."""
    return home.root / "exports"
