"""The report of a run as a page of its own, which runs nothing and asks for nothing, or as a file."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import Response

from studio.errors import StudioError
from studio.home import Home
from studio.ui.routes import answer, run_of


def report_routes(home: Home) -> APIRouter:
    """The route, to be mounted under `/studio` ahead of the page."""
    routes = APIRouter()

    @routes.get("/runs/{name}/report")
    def shown(name: str, download: bool = False) -> Response:
        from studio.share.report.page import POLICY, report

        run = run_of(home, name)
        if run is None:
            return answer({"error": "This run is no longer there."}, 404)
        try:
            text = report(run).encode()
        except StudioError as error:
            return answer({"error": str(error)}, 409)
        headers = {
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }
        if download:
            headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(f'{name}-report.html')}"
        return Response(text, media_type="text/html; charset=utf-8", headers=headers)

    return routes
