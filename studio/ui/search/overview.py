"""A search as HTML: how far it is, its best so far, parallel coordinates of its runs, and the runs as a table."""

from __future__ import annotations

import math
from html import escape
from typing import Any

from studio.charts import BLUE, GREY, GRID, ORANGE, Figure
from studio.data.wording import counted
from studio.knob import Knob
from studio.run.search.plan import Dimension, SearchPlan
from studio.run.search.search import Search, SearchStatus, Trial
from studio.ui.data.figures import plot
from studio.ui.words import note

LOSS = "held-out loss"
EMPTY = (
    "No search yet. Choose what to turn and press Begin the search: each try is a run of its own, which you can also "
    "watch in the Run tab."
)


def overview(search: Search, trials: list[Trial], knobs: dict[str, Knob]) -> str:
    """Everything that is known of a search now."""
    plan = search.plan
    done = [trial for trial in trials if math.isfinite(trial.best)]
    parts = [_status(search, plan, trials)]
    if done:
        best = min(done, key=lambda trial: trial.best)
        parts.append(_best(best, knobs))
        if len(done) > 1:
            parts.append(_plot(plan, done, best, knobs))
        parts.append(_progress(done))
    return "".join(parts)


def best_of(trials: list[Trial]) -> Trial | None:
    """The run with the lowest held-out loss."""
    done = [trial for trial in trials if math.isfinite(trial.best)]
    return min(done, key=lambda trial: trial.best) if done else None


def _status(search: Search, plan: SearchPlan, trials: list[Trial]) -> str:
    over = sum(trial.status.over for trial in trials)
    given_up = sum(trial.given_up for trial in trials)
    failed = sum(trial.status == "failed" for trial in trials)
    said = [f"{over} of at most {counted(plan.trials, 'run')} done"]
    said += [f"{given_up} given up early"] * bool(given_up) + [f"{failed} failed"] * bool(failed)
    status = search.status(trials)
    word = {SearchStatus.SEARCHING: "Searching", SearchStatus.STOPPING: "Stopping", SearchStatus.OVER: "Over"}[status]
    error = search.path / "error"
    wrong = note("error", error.read_text("utf-8")) if error.is_file() else ""
    return f"<p><strong>{word}:</strong> {', '.join(said)}.</p>{wrong}"


def _best(best: Trial, knobs: dict[str, Knob]) -> str:
    settings = ", ".join(f"{escape(_label(name, knobs))} {_value(value)}" for name, value in best.changes.items())
    return (
        f"<p><strong>Best so far:</strong> {LOSS} {best.best:.4f} with {settings} "
        f"(<code>{escape(best.run.name)}</code>).</p>"
    )


def _label(option: str, knobs: dict[str, Knob]) -> str:
    return knobs[option].label if option in knobs else option


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else escape(str(value))


def _plot(plan: SearchPlan, done: list[Trial], best: Trial, knobs: dict[str, Knob]) -> str:
    names = [_label(each.option, knobs) for each in plan.over]
    rows = [
        [trial.run.name, *(_value(trial.changes.get(each.option, "")) for each in plan.over), f"{trial.best:.4f}",
         "given up" if trial.given_up else trial.status.value]
        for trial in sorted(done, key=lambda trial: trial.best)
    ]  # fmt: skip
    says = "Each line is a run, from its settings on the left to its held-out loss on the right; lower is better."
    return plot("Settings and what came of them.", coordinates(plan, done, best, names), says,
                ("Run", *names, LOSS, "how it ended"), rows)  # fmt: skip


def coordinates(plan: SearchPlan, done: list[Trial], best: Trial, names: list[str]) -> Figure:
    """Parallel coordinates: one vertical axis for each option and one for the loss, a line for each run.

    Drawn with plain lines: plotly's own kind wants WebGL, which not every browser has.
    """
    losses = [trial.best for trial in done]
    ends = [(_shown_end(each, 0), _shown_end(each, 1)) for each in plan.over]
    ends.append((f"{min(losses):.3f}", f"{max(losses):.3f}"))
    traces = [_line(plan, trial, trial is best, losses, names) for trial in sorted(done, key=lambda t: -t.best)]
    places = list(range(len(ends)))
    marks = [
        {"x": place, "y": height, "text": escape(text), "showarrow": False, "yshift": shift, "font": {"size": 11}}
        for place, pair in enumerate(ends)
        for height, text, shift in ((0, pair[0], -12), (1, pair[1], 12))
    ]
    return {
        "data": traces,
        "layout": {
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"color": GREY, "size": 12},
            "margin": {"l": 48, "r": 48, "t": 28, "b": 56},
            "height": 340,
            "showlegend": False,
            "hovermode": "closest",
            "dragmode": False,
            "xaxis": {
                "tickvals": places, "ticktext": [escape(name) for name in [*names, LOSS]], "showgrid": True,
                "gridcolor": GRID, "gridwidth": 2, "zeroline": False, "fixedrange": True, "side": "bottom",
                "ticklabelstandoff": 16,
            },
            "yaxis": {"visible": False, "range": [-0.08, 1.08], "fixedrange": True},
            "annotations": marks,
        },
    }  # fmt: skip


def _line(plan: SearchPlan, trial: Trial, is_best: bool, losses: list[float], names: list[str]) -> Figure:
    heights = [_height(each, trial.changes.get(each.option)) for each in plan.over]
    spread = max(losses) - min(losses)
    heights.append((trial.best - min(losses)) / spread if spread else 0.5)
    told = "<br>".join(
        f"{escape(name)}: {_value(trial.changes.get(each.option, ''))}"
        for name, each in zip(names, plan.over, strict=True)
    )
    look: dict[str, Any] = {"color": GREY, "width": 1.5}
    if is_best:
        look = {"color": ORANGE, "width": 4}
    elif not trial.given_up:
        look = {"color": BLUE, "width": 2}
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": list(range(len(heights))),
        "y": heights,
        "line": look | ({"dash": "dot"} if trial.given_up else {}),
        "marker": {"size": 7, "color": look["color"]},
        "hovertemplate": f"{escape(trial.run.name)}<br>{told}<br>{LOSS}: {trial.best:.4f}<extra></extra>",
    }


def _height(each: Dimension, value: Any) -> float:
    """Where a value lies on its axis, from 0 to 1."""
    if each.choices:
        place = list(each.choices).index(value) if value in each.choices else 0
        return place / max(1, len(each.choices) - 1)
    low, high, here = each.low, each.high, float(value)
    if each.log:
        low, high, here = math.log(low), math.log(high), math.log(here)
    return (here - low) / (high - low)


def _shown_end(each: Dimension, end: int) -> str:
    if each.choices:
        return str(each.choices[-end])
    return f"{(each.low, each.high)[end]:.3g}"


def _progress(done: list[Trial]) -> str:
    """The best so far after each run."""
    in_order = sorted(done, key=lambda trial: trial.number)
    steps = [trial.number + 1 for trial in in_order]
    losses = [trial.best for trial in in_order]
    lowest = [min(losses[: place + 1]) for place in range(len(losses))]
    axis = {"gridcolor": GRID, "zeroline": False, "fixedrange": True}
    figure = {
        "data": [
            {"type": "scatter", "mode": "markers", "x": steps, "y": losses, "marker": {"color": BLUE, "size": 8},
             "hovertemplate": "run %{x}: %{y:.4f}<extra></extra>"},
            {"type": "scatter", "mode": "lines", "x": steps, "y": lowest, "hoverinfo": "skip",
             "line": {"color": ORANGE, "width": 2, "shape": "hv"}},
        ],
        "layout": {
            "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)", "font": {"color": GREY, "size": 12},
            "margin": {"l": 56, "r": 28, "t": 12, "b": 42}, "height": 220, "showlegend": False, "dragmode": False,
            "xaxis": axis | {"title": {"text": "Run of the search"}, "dtick": max(1, len(steps) // 10)},
            "yaxis": axis | {"title": {"text": "Held-out loss"}},
        },
    }  # fmt: skip
    says = "Dots are runs, the line is the best up to there. A line that has long been flat says: enough."
    rows = [(step, f"{loss:.4f}", f"{least:.4f}") for step, loss, least in zip(steps, losses, lowest, strict=True)]
    return plot("Best so far.", figure, says, ("Run", LOSS, "best so far"), rows)
