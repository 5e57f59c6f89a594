"""The live view of one run: the page's empty frame, and the small JSON routes that fill it and keep it moving.

The frame is drawn once by `assets/live.js`, which then asks for news and extends what is there; nothing is resent.
The routes hold nothing: the browser keeps the cursor and what was seen, and sends both back.
"""

from __future__ import annotations

import gzip
import hashlib
import time
from functools import lru_cache
from html import escape
from importlib import metadata, util
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, ValidationError

from studio.charts import Points, draw, new_points
from studio.home import ASSETS, Home
from studio.progress import Mean, Progress
from studio.run.directory import Run, Status
from studio.run.events import AnyEvent, Decision, Ended, Resumed, Started, Warned, that_count

MOST_NEWS = 512 * 1024  # bytes of events; a reader further behind than that draws anew
FOR_EVER = "public, max-age=31536000, immutable"  # the addresses carry a version
KINDS = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
Json = dict[str, Any]
Told = Decision | Warned | Started | Resumed


class Seen(BaseModel):
    """What a browser has drawn so far: of which file, the smoothing to go on from, and where the run stood."""

    model_config = ConfigDict(frozen=True)
    file: int = 0
    smoothing: Mean = Mean()
    progress: Progress = Progress()


def live_routes(home: Home) -> APIRouter:
    """The routes of the live view, to be mounted under `/studio` ahead of the page."""
    routes = APIRouter()

    @routes.get("/runs/{name}/figure")
    def figure(name: str) -> Response:
        run = _run(home, name)
        return _json(_whole(run)) if run else _no_run()

    @routes.get("/runs/{name}/news")
    def news(name: str, cursor: int = 0, seen: str = "{}") -> Response:
        run = _run(home, name)
        return _json(_news(run, cursor, seen)) if run else _no_run()

    @routes.get("/assets/{name}")
    def asset(name: str, request: Request) -> Response:
        path = _assets().get(name)
        if path is None:
            return _json({"error": "There is no such file."}, 404)
        caching = FOR_EVER if "v" in request.query_params else "no-cache"
        headers = {"Cache-Control": caching, "Vary": "Accept-Encoding"}
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(path.read_bytes(), media_type=KINDS[path.suffix], headers=headers)
        body, headers["Content-Encoding"] = _gzipped(path, path.stat().st_mtime_ns), "gzip"
        return Response(body, media_type=KINDS[path.suffix], headers=headers)

    return routes


def live_head() -> str:
    """What the page's head needs for the live view and the plots of the data room. Plotly is fetched by live.js when
    the page is idle, for both."""
    plotly = f'data-plotly="studio/assets/plotly.min.js?v={metadata.version("plotly")}"'
    styles = [f'<link rel="stylesheet" href="{_address(name)}">' for name in ("live.css", "data.css", "recipe.css")]
    scripts = [f'<script src="{_address("live.js")}" {plotly} defer></script>']
    return "\n".join([*styles, *scripts, f'<script src="{_address("data.js")}" defer></script>'])


def live_html(name: str | None) -> str:
    """The live view of run `name` as an empty frame, or what to do where none is chosen."""
    return FRAME.format(name=escape(name, quote=True)) if name else NOTHING


NOTHING = """<section class="live live-none" aria-label="Live view">
<p><strong>No run is chosen.</strong></p>
<p>Press Train to start one, or choose an earlier run: its curve, its pace and its decisions appear here.</p>
</section>"""

FIGURES = (
    ("step", "Step"),
    ("epoch", "Epoch"),
    ("loss", "Training loss"),
    ("held_out_loss", "Held-out loss"),
    ("learning_rate", "Learning rate"),
    ("tokens_per_second", "Tokens per second"),
    ("elapsed", "Time so far"),
    ("left", "Time left"),
)

FRAME = (
    """<section class="live" data-run="{name}" aria-label="Run {name}">
<header class="live-head">
<span class="live-chip" data-status="unknown">…</span><span class="live-name">{name}</span>
</header>
<p class="live-line" role="status" aria-live="polite">Reading the run …</p>
<div class="live-bar" role="progressbar" aria-label="Steps done" aria-valuemin="0" aria-valuemax="100"><i></i></div>
<dl class="live-figures">"""
    + "".join(f'<div data-figure="{key}"><dt>{label}</dt><dd>–</dd></div>' for key, label in FIGURES)
    + """</dl>
<div class="live-chart">
<div class="live-plot" role="img" aria-label="Chart over the steps: losses, learning rate and speed"></div>
<p class="live-wait">The curve begins with the first step.</p>
</div>
<section class="live-story" aria-label="What was decided, and why" hidden>
<h4>What was decided, and why</h4>
<ol></ol>
</section>
</section>"""
)


def _run(home: Home, name: str) -> Run | None:
    """The run of exactly that name, directly under the home's runs; None for anything else."""
    if name.startswith(".") or Path(name).name != name or len(name.encode()) > 255:
        return None
    run = Run(home.runs / name)
    try:
        return run if (run.path / "recipe.yaml").is_file() else None
    except (OSError, ValueError):
        return None


def _no_run() -> Response:
    return _json({"error": "This run is no longer there. Choose another one from the list."}, 404)


def _json(content: Json, status: int = 200) -> Response:
    return JSONResponse(content, status, headers={"Cache-Control": "no-store"})


def _whole(run: Run) -> Json:
    """All that there is to draw."""
    status, file = run.status(), _size_and_file(run)[1]
    events, cursor = run.events()
    points, smoothing = new_points(that_count(events))
    seen = Seen(file=file, smoothing=smoothing, progress=Progress().after(events))
    return _state(status, cursor, seen) | _told(events, seen.progress) | {"figure": draw(points)}


def _news(run: Run, cursor: int, sent: str) -> Json:
    """What is new since `cursor`, or `redraw` where the browser's picture is not of this file or is too old."""
    status = run.status()  # before the events: whoever hears that the run is over has heard all of it
    size, file = _size_and_file(run)
    try:
        seen = Seen.model_validate_json(sent)
    except ValidationError:
        return {"redraw": True}
    if not 0 <= cursor <= size or (cursor and seen.file not in {0, file}) or size - cursor > MOST_NEWS:
        return {"redraw": True}
    unchanged = {"status": status.value, "cursor": cursor}
    if size == cursor:
        return unchanged
    events, cursor = run.events(cursor)
    if not events:
        return unchanged | {"cursor": cursor}
    if any(isinstance(event, Resumed) for event in events):
        return {"redraw": True}  # some of what is drawn was taken back
    points, smoothing = new_points(events, seen.smoothing)
    seen = Seen(file=file, smoothing=smoothing, progress=seen.progress.after(events))
    return _state(status, cursor, seen) | _told(events, seen.progress) | _extension(points)


def _size_and_file(run: Run) -> tuple[int, int]:
    try:
        stat = run.events_path.stat()
    except FileNotFoundError:
        return 0, 0
    return stat.st_size, stat.st_ino


def _state(status: Status, cursor: int, seen: Seen) -> Json:
    now = None if status.over else time.time()
    left = None if now is None else seen.progress.time_left(now)
    clock: Json = {"elapsed": round(seen.progress.elapsed(now), 1)}
    if left:
        clock |= {"left": round(left[0], 1), "how": left[1]}
    return {"status": status.value, "cursor": cursor, "seen": seen.model_dump(mode="json"), "clock": clock}


def _extension(points: list[Points]) -> Json:
    return {"points": {i: {"x": new.x, "y": new.y} for i, new in enumerate(points) if new.x}}


def _told(events: list[AnyEvent], progress: Progress) -> Json:
    """The events that are words: for the timeline, and how it ended. They are text, never markup."""
    story = [_entry(event, progress) for event in events if isinstance(event, Told)]
    ended = [event.message for event in events if isinstance(event, Ended)]
    return ({"story": story} if story else {}) | ({"ended": ended[-1]} if ended else {})


def _entry(event: Told, progress: Progress) -> Json:
    entry = {"kind": event.kind, "at": round(max(0.0, event.time - progress.began), 1)}
    if isinstance(event, Decision):
        return entry | {"text": event.choice, "why": event.reason}
    if isinstance(event, Warned):
        return entry | {"text": event.message}
    if isinstance(event, Resumed):
        return entry | {"text": f"Resumed from step {event.step:,}", "why": "from the newest checkpoint of this run"}
    share = 100 * event.trainable_parameters / max(1, event.parameters)
    text = f"{event.steps:,} steps over {event.rows:,} rows, with {event.held_out_rows:,} rows held out"
    why = f"{event.trainable_parameters:,} of {event.parameters:,} weights are trained ({share:.2g} %)"
    return entry | {"text": text, "why": why}


def _assets() -> dict[str, Path]:
    """The files that may be fetched. Plotly's script comes from its package, which need not be imported for that."""
    files = {name: ASSETS / name for name in ("live.js", "live.css", "data.js", "data.css", "recipe.css")}
    package = util.find_spec("plotly")
    if package and package.submodule_search_locations:
        files["plotly.min.js"] = Path(package.submodule_search_locations[0]) / "package_data" / "plotly.min.js"
    return files


def _address(asset: str) -> str:
    digest = hashlib.sha256((ASSETS / asset).read_bytes()).hexdigest()[:12]
    return f"studio/assets/{asset}?v={digest}"


@lru_cache(maxsize=8)
def _gzipped(path: Path, changed_ns: int) -> bytes:
    """The file compressed, once for each time that it was `changed_ns`: 4.8 MB of Plotly become 1.5 in 0.2 s."""
    return gzip.compress(path.read_bytes(), 6)
