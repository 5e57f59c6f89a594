"""The live view of one run: the page's empty frame, and the small JSON routes that fill it and keep it moving.

The frame is drawn once by `assets/live.js`, which then asks for news and extends what is there; nothing is resent.
The routes hold nothing: the browser keeps the cursor and what was seen, and sends both back.
"""

from __future__ import annotations

import gzip
import hashlib
import time
from collections.abc import Callable
from functools import lru_cache
from html import escape
from importlib import metadata, util
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, ValidationError

from studio.charts import extension, run_figure
from studio.home import ASSETS, Home
from studio.progress import Progress
from studio.run.directory import Run, Status
from studio.run.events import Resumed
from studio.run.stalled import patience, silence
from studio.ui.beside import curves_of_others, forebears, other_branches
from studio.ui.routes import Json, answer, run_of
from studio.ui.story import told

MOST_NEWS = 512 * 1024  # bytes of events; a reader further behind than that draws anew
FOR_EVER = "public, max-age=31536000, immutable"  # the addresses carry a version
STYLES = ("live.css", "live_film.css", "run_acts.css", "data.css", "recipe.css", "live_rows.css")
# in the order in which they need one another:
SCRIPTS = (
    "live_chart.js",
    "live_film.js",
    "live.js",
    "data.js",
    "live_rows.js",
)
SERVED = (*STYLES, *SCRIPTS)
KINDS = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}


class Seen(BaseModel):
    """What a browser has drawn so far: of which file, and where the run stood."""

    model_config = ConfigDict(frozen=True)
    file: int = 0
    progress: Progress = Progress()


def live_routes(home: Home, in_charge: Callable[[], bool] = lambda: True) -> APIRouter:
    """The routes of the live view, to be mounted under `/studio` ahead of the page. `in_charge` says whether this
    studio is the one that starts runs."""
    routes = APIRouter()

    @routes.get("/runs/{name}/figure")
    def figure(name: str) -> Response:
        run = run_of(home, name)
        if run is None:
            return _no_run()
        beside = {"forebears": forebears(home, run), "others": len(other_branches(home, run))}
        return answer(_whole(run) | beside | _watching(in_charge))

    @routes.get("/runs/{name}/others")
    def others(name: str) -> Response:
        run = run_of(home, name)
        return answer({"curves": curves_of_others(home, run)}) if run else _no_run()

    @routes.get("/runs/{name}/news")
    def news(name: str, cursor: int = 0, seen: str = "{}") -> Response:
        run = run_of(home, name)
        return answer(_news(run, cursor, seen) | _watching(in_charge)) if run else _no_run()

    @routes.get("/assets/{name}")
    def asset(name: str, request: Request) -> Response:
        path = _assets().get(name)
        if path is None:
            return answer({"error": "There is no such file."}, 404)
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
    styles = [f'<link rel="stylesheet" href="{_address(name)}">' for name in STYLES]
    return "\n".join([*styles, *(f'<script src="{_address(name)}" {plotly} defer></script>' for name in SCRIPTS)])


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
<button type="button" class="live-notify" aria-pressed="false" hidden>Tell me when it is over</button>
</header>
<p class="live-line" role="status" aria-live="polite">Reading the run …</p>
<p class="live-watching" hidden>Another studio is open on the same folder and starts its runs. This one shows them.</p>
<div class="live-bar" role="progressbar" aria-label="Steps done" aria-valuemin="0" aria-valuemax="100"><i></i></div>
<div class="live-phase" hidden><span></span>
<div class="live-bar" role="progressbar" aria-label="This phase" aria-valuemin="0" aria-valuemax="100"><i></i></div>
</div>
<dl class="live-figures">"""
    + "".join(f'<div data-figure="{key}"><dt>{label}</dt><dd>–</dd></div>' for key, label in FIGURES)
    + """</dl>
<div class="live-controls" role="group" aria-label="The chart" hidden>
<label class="live-smoothing">Smoothing <input type="range" min="0" max="0.99" step="0.01"><output></output></label>
<label><input type="checkbox" class="live-log"> Log axis</label>
<label class="live-others" hidden><input type="checkbox"> <span>Other branches</span></label>
<span class="live-panels" role="group" aria-label="Panels"></span>
</div>
<div class="live-chart">
<div class="live-plot" role="img" aria-label="Chart over the steps: losses, and the panels chosen above"></div>
<p class="live-wait">The curve begins with the first step.</p>
</div>
<section class="live-film" aria-label="What it answered on the way" hidden></section>
<section class="live-rows" aria-label="Rows of a step" hidden></section>
<section class="live-story" aria-label="What happened, and why" hidden>
<h4>What happened, and why</h4>
<ol></ol>
</section>
</section>"""
)


def _no_run() -> Response:
    return answer({"error": "This run is no longer there. Choose another one from the list."}, 404)


def _watching(in_charge: Callable[[], bool]) -> Json:
    return {} if in_charge() else {"watching": True}


def _whole(run: Run) -> Json:
    """All that there is to draw."""
    status, file = run.status(), _size_and_file(run)[1]
    events, cursor = run.events()
    seen = Seen(file=file, progress=Progress().after(events))
    return _state(run, status, cursor, seen) | told(events, Progress()) | {"figure": run_figure(events)}


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
    events, after = run.events(cursor) if size > cursor else ([], cursor)
    if not events:
        return {"status": status.value, "cursor": after} | _manner(run, status, seen.progress)
    if any(isinstance(event, Resumed) for event in events):
        return {"redraw": True}  # some of what is drawn was taken back
    before, seen = seen.progress, Seen(file=file, progress=seen.progress.after(events))
    return _state(run, status, after, seen) | told(events, before) | {"points": extension(events)}


def _size_and_file(run: Run) -> tuple[int, int]:
    try:
        stat = run.events_path.stat()
    except FileNotFoundError:
        return 0, 0
    return stat.st_size, stat.st_ino


def _state(run: Run, status: Status, cursor: int, seen: Seen) -> Json:
    now = None if status.over else time.time()
    left = None if now is None else seen.progress.time_left(now)
    clock: Json = {"elapsed": round(seen.progress.elapsed(now), 1)}
    if left:
        clock |= {
            "left": round(left.seconds, 1),
            "low": round(left.low, 1),
            "high": round(left.high, 1),
            "how": left.how,
        }
    state: Json = {"status": status.value, "cursor": cursor, "seen": seen.model_dump(mode="json"), "clock": clock}
    return state | _manner(run, status, seen.progress)


def _manner(run: Run, status: Status, progress: Progress) -> Json:
    """What else there is to say of a run in progress: how it was asked to end, and since when it was silent."""
    if not status.active:
        return {}
    silent = silence(run, progress.last)
    stalled = {"silent": round(silent)} if silent > patience(progress.phase, progress.step_seconds) else {}
    wish = run.wish() if status is Status.STOPPING else None
    return stalled | ({"wish": wish.value} if wish else {})


def _assets() -> dict[str, Path]:
    """The files that may be fetched. Plotly's script comes from its package, which need not be imported for that."""
    files = {name: ASSETS / name for name in SERVED}
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
