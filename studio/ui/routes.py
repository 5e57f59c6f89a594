"""What all JSON routes under `/studio` have in common: which run is meant, and how they answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi.responses import JSONResponse, Response

from studio.home import Home
from studio.run.directory import Run

LONGEST_NAME = 255  # bytes that a file system takes
Json = dict[str, Any]


def run_of(home: Home, name: str) -> Run | None:
    """The run of exactly that name, directly under the home's runs; None for anything else."""
    if name.startswith(".") or Path(name).name != name or len(name.encode()) > LONGEST_NAME:
        return None
    run = Run(home.runs / name)
    try:
        return run if (run.path / "recipe.yaml").is_file() else None
    except (OSError, ValueError):
        return None


def answer(content: Json, status: int = 200) -> Response:
    """An answer that no browser keeps."""
    return JSONResponse(content, status, headers={"Cache-Control": "no-store"})


def script_in(folder: Path, name: str) -> Response:
    """A room's script of that name, directly in its folder."""
    path = next((path for path in folder.glob("*.js") if path.name == name), None)
    if path is None:
        return answer({"error": "There is no such file."}, 404)
    headers = {"Cache-Control": "no-cache"}
    return Response(path.read_bytes(), media_type="text/javascript; charset=utf-8", headers=headers)
