"""The JSON routes behind the rows below a run's chart: those of one step, and those that the run's losses tell of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from fastapi import APIRouter
from fastapi.responses import Response

from studio.data.example import Example
from studio.data.wording import counted
from studio.errors import StudioError
from studio.home import Home
from studio.recipe.tasks import DirectPreference
from studio.run.directory import Run, Status
from studio.run.gap import gap_of
from studio.run.row_losses.blame import Suspect, by_heart, held_out_loss, never_learned, spikes, suspicious
from studio.run.row_losses.read import RowLosses, kin_of, read_row_losses, rows_at
from studio.ui.routes import Json, answer, run_of

MOST_ROWS = 200  # of one step
TOP = 20  # rows of a list
MOST_POINTS = 60  # of the way of one row
LONGEST = 1_500  # characters of a text that are shown
AROUND = 10  # steps to either side whose rows say what is usual

NOT_YET = "The rows appear with the first step: each with its own loss."
NEVER_KEPT = (
    "This run has no losses of its single rows: it was trained before the studio kept them. "
    "Train its recipe once more to see them."
)
GONE = "This run is no longer there."


def row_routes(home: Home) -> APIRouter:
    """The routes, to be mounted under `/studio` ahead of the page."""
    routes = APIRouter()

    @routes.get("/runs/{name}/rows")
    def of_step(name: str, step: int | None = None) -> Response:
        run = run_of(home, name)
        if run is None:
            return answer({"error": GONE}, 404)
        kept = read_row_losses(run)
        if step is None:
            return answer(_summary(run, kept))
        return answer(_of_step(run, kept, step) if kept else _none(run))

    @routes.get("/runs/{name}/blame")
    def blamed(name: str, kind: str = "suspicious") -> Response:
        run = run_of(home, name)
        if run is None:
            return answer({"error": GONE}, 404)
        if kind not in KINDS:
            return answer({"error": f"Choose one of {', '.join(KINDS)}."}, 400)
        kept = read_row_losses(run)
        return answer(KINDS[kind](run, kept) if kept else _none(run))

    return routes


def _none(run: Run) -> Json:
    """What is said in place of rows."""
    status = run.status()
    return {"none": NOT_YET if status.active or status is Status.WAITING else NEVER_KEPT}


def _summary(run: Run, kept: RowLosses | None) -> Json:
    """Which steps rows are known of, and what the gap between held-out and training loss says."""
    found = gap_of(run.events()[0])
    said: Json = {"gap": found.words, "open": found.since is not None} if found else {}
    if kept is None:
        return said | _none(run)
    return said | {"first": int(kept.steps[0]), "last": int(kept.steps[-1])}


def _of_step(run: Run, kept: RowLosses, step: int) -> Json:
    nearest = int(kept.steps[np.argmin(np.abs(kept.steps - step))])
    records = kept.of_step(nearest)
    around = kept.every[np.abs(kept.every["step"] - nearest) <= AROUND]
    usual = float(np.median(around["loss"]))
    mean = float(np.average(records["loss"], weights=records["tokens"]))
    losses = np.where(np.isfinite(records["loss"]), records["loss"], np.inf)  # what was no number comes first
    order = np.argsort(-losses, kind="stable")[:MOST_ROWS]
    bars = [(int(records["place"][at]), float(records["loss"][at])) for at in order]
    of = f"{counted(len(records), 'row')} of step {nearest:,}, loss {mean:.3g} together"
    more = f" The first {MOST_ROWS} are shown." if len(records) > MOST_ROWS else ""
    words = f"The bar is each row's own loss, the mark what is usual around this step ({usual:.3g}).{more}"
    return {"title": of, "words": words, "step": nearest} | _drawn(run, kept, bars, usual)


def _suspicious(run: Run, kept: RowLosses) -> Json:
    found = suspicious(kept, *kin_of(run))
    once = "" if (kept.ways.visits > 1).any() else " Each row was learned from once only, so this is a guess."
    words = (
        "Their loss stays above that of the other rows of the same pass and with the same answer: "
        "the longest bar goes most against what the others teach. A spread is how far the losses usually are from "
        f"their median. Look at the answers.{once}"
    )
    return {"title": "Most suspicious rows", "words": words} | _listed(run, kept, found)


def _never(run: Run, kept: RowLosses) -> Json:
    found = never_learned(kept)
    title = f"{counted(len(found), 'row')} never learned" if found else "Every row was learned, or none was seen twice"
    usual = float(np.median(kept.ways.last))
    words = "At their last visit their loss is far above the usual one, which is the mark, and it has hardly fallen."
    return {"title": title, "words": words if found else ""} | _drawn(run, kept, _last(kept, found), usual)


def _heart(run: Run, kept: RowLosses) -> Json:
    held_out = held_out_loss(run.events()[0]) if _compares(run) else None
    if held_out is None:
        words = "There is no held-out loss to measure them by. Hold some rows out, and measure them while it learns."
        return {"title": "Rows learned by heart", "words": words, "rows": []}
    found = by_heart(kept, held_out)
    words = (
        f"At their last visit their loss is below half of that of the held-out rows ({held_out:.3g}, the mark): the "
        "model knows these very rows, beyond what they teach of the task."
    )
    title = f"{found.count:,} of {counted(found.of, 'row')} learned by heart"
    none = f"No row's loss is below half of that of the held-out rows ({held_out:.3g})."
    return {"title": title, "words": words if found.rows else none} | _drawn(
        run, kept, _last(kept, found.rows), held_out
    )


def _spikes(run: Run, kept: RowLosses) -> Json:
    found = spikes(kept, TOP)
    if not found:
        return {"title": "No spikes", "words": "No step's loss is far above that of the steps around it.", "rows": []}
    rows = rows_at(run, [each.place for each in found])
    steps = [
        {"step": each.step, "loss": _short(each.loss), "usual": _short(each.usual)} | _named(rows.get(each.place))
        for each in found
    ]
    words = "Steps whose loss is far above that of the steps around them, and the row that adds most to each."
    return {"title": counted(len(found), "spike"), "words": words, "spikes": steps, "rows": []}


KINDS: dict[str, Callable[[Run, RowLosses], Json]] = {
    "suspicious": _suspicious,
    "never": _never,
    "heart": _heart,
    "spikes": _spikes,
}


def _compares(run: Run) -> bool:
    """Whether what is kept of a row is what is measured of the held-out ones."""
    try:
        task = run.recipe.task
    except StudioError:
        return False
    return not isinstance(task, DirectPreference) or (task.loss == "sigmoid" and not task.sft_share)


def _last(kept: RowLosses, found: Sequence[Suspect]) -> list[tuple[int, float]]:
    """The first rows of a list with their last loss."""
    at = np.searchsorted(kept.ways.places, [each.place for each in found[:TOP]])
    return [(int(kept.ways.places[each]), float(kept.ways.last[each])) for each in at]


def _listed(run: Run, kept: RowLosses, found: Sequence[Suspect]) -> Json:
    return _drawn(run, kept, [(each.place, max(0.0, each.score)) for each in found[:TOP]], None)


def _drawn(run: Run, kept: RowLosses, bars: Sequence[tuple[int, float]], mark: float | None) -> Json:
    """Rows with the bar and the text of each, and its way through the run."""
    places = [place for place, _ in bars]
    rows, ways = rows_at(run, places), kept.of_rows(places)
    drawn = [
        {"bar": _short(bar), "way": _way(ways[place])} | _named(rows.get(place)) | _texts(rows.get(place))
        for place, bar in bars
    ]
    return {"rows": drawn, "mark": None if mark is None else _short(mark)}


def _way(records: np.ndarray) -> list[tuple[int, float | None]]:
    thinned = records[np.unique(np.linspace(0, len(records) - 1, min(len(records), MOST_POINTS)).astype(int))]
    return [(int(each["step"]), _short(float(each["loss"]))) for each in thinned]


def _named(example: Example | None) -> Json:
    """Which row of which file it is; a row of the main file has no `source`."""
    return {"row": example.row, "source": example.source} if example else {"row": 0, "source": "?"}


def _texts(example: Example | None) -> Json:
    if example is None:
        return {}
    texts: dict[str, Any] = {"prompt": example.prompt, "completion": example.completion, "rejected": example.rejected}
    return {name: _cut(text) for name, text in texts.items() if text}


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def _short(value: float) -> float | None:
    """A number as JSON can say it: None for one that is none."""
    return float(f"{value:.4g}") if np.isfinite(value) else None
