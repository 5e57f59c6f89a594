"""The JSON route of the film strip: what was asked while a run learned, what it answered at each look, the needle."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from studio.home import Home
from studio.run.looks.film import film
from studio.run.looks.needle import needle_of
from studio.run.looks.probes import evenly
from studio.ui.routes import answer, run_of

MOST_FRAMES = 120  # a slider has no more places that a hand can find


def film_routes(home: Home) -> APIRouter:
    """The route of the film strip, to be mounted under `/studio`."""
    routes = APIRouter()

    @routes.get("/runs/{name}/film")
    def strip(name: str) -> Response:
        run = run_of(home, name)
        if run is None:
            return answer({"error": "This run is no longer there. Choose another one from the list."}, 404)
        found, needle = film(run), needle_of(run.events()[0])
        places = evenly(len(found.frames), MOST_FRAMES - 1)
        if found.frames and places[-1] != len(found.frames) - 1:
            places.append(len(found.frames) - 1)  # the last is what came out
        return answer(
            {
                "prompts": [asked.model_dump() for asked in found.prompts],
                "frames": [found.frames[place] for place in places],
                "needle": needle.model_dump() if needle else None,
            }
        )

    return routes
