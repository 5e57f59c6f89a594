"""Events in, plotly figures out: plain dicts in plotly's JSON form. The browser draws them and extends them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from studio.progress import Mean
from studio.run.events import AnyEvent, Metrics, that_count

Figure = dict[str, Any]

MOST_POINTS = 1000  # a trace, at the first draw
SMOOTHING = 0.8  # of the mean's weight stays with earlier steps: about the last five count
BLUE, ORANGE, GREY, GREEN, RED = "#3b82d6", "#d9700f", "#8b8f98", "#1d9a7a", "#d33f49"  # each reads on white and black
GRID = "rgba(128, 128, 128, 0.18)"
PANELS = (("y", "Loss", (0.40, 1.0)), ("y2", "Learning rate", (0.20, 0.32)), ("y3", "Tokens per second", (0.0, 0.12)))
_PLAIN = {"gridcolor": GRID, "zeroline": False}
_SPIKE = {"spikecolor": GREY, "spikethickness": 1, "spikedash": "dot"}
LOST_AT = 0.04  # height of a "not a number" mark in the loss panel, on an axis of its own: it is no loss


@dataclass(frozen=True)
class Trace:
    """One line of the chart: which number of the metrics, in which panel, drawn how."""

    key: str
    name: str
    axis: str
    look: dict[str, Any]
    shows: Literal["values", "smoothed", "gaps"] = "values"


@dataclass
class Points:
    """Points of one trace. None is a gap."""

    x: list[int] = field(default_factory=list)
    y: list[float | None] = field(default_factory=list)

    def add(self, step: int, value: float | None) -> None:
        self.x.append(step)
        self.y.append(None if value is None else float(f"{value:.5g}"))


def _line(colour: str, width: float, **more: Any) -> dict[str, Any]:
    return {"mode": "lines", "line": {"color": colour, "width": width}} | more


_DOTS = {
    "mode": "lines+markers",
    "line": {"color": ORANGE, "width": 2},
    "marker": {"size": 7, "symbol": "diamond"},
    "cliponaxis": False,
}
_CROSS = {
    "mode": "markers+text",
    "marker": {"color": RED, "symbol": "x", "size": 9},
    "text": "not a number",
    "textposition": "middle left",
    "textfont": {"color": RED},
    "cliponaxis": False,
    "showlegend": False,
    "hovertemplate": "not a number",
}

TRACES = (
    Trace("loss", "Training loss", "y", _line(BLUE, 1, opacity=0.5)),
    Trace("loss", "Smoothed", "y", _line(BLUE, 2.5), "smoothed"),
    Trace("eval_loss", "Held-out loss", "y", _DOTS),
    Trace("learning_rate", "Learning rate", "y2", _line(GREY, 1.5, showlegend=False, hovertemplate="%{y:.2e}")),
    Trace("tokens_per_second", "Tokens per second", "y3", _line(GREEN, 1.5, showlegend=False)),
    Trace("loss", "Training loss", "y4", _CROSS, "gaps"),
    Trace("eval_loss", "Held-out loss", "y4", _CROSS, "gaps"),
)


def loss_figure(events: Iterable[AnyEvent]) -> Figure:
    """The whole chart of a run: its losses, and below them learning rate and speed, over the steps that count."""
    points, _ = new_points(that_count(events))
    return draw(points)


def new_points(events: Iterable[AnyEvent], smoothing: Mean | None = None) -> tuple[list[Points], Mean]:
    """What `events` add to each of `TRACES`, and the smoothing to go on from with later events."""
    mean, points = smoothing or Mean(), [Points() for _ in TRACES]
    for event in events:
        if isinstance(event, Metrics):
            loss = event.values.get("loss", math.nan)
            mean = mean.plus(loss, SMOOTHING) if math.isfinite(loss) else mean
            for trace, to in zip(TRACES, points, strict=True):
                if trace.key in event.values:
                    _add(to, trace, event, mean)
    return points, mean


def _add(to: Points, trace: Trace, event: Metrics, mean: Mean) -> None:
    value = event.values[trace.key]
    if trace.shows == "gaps":
        if not math.isfinite(value):
            to.add(event.step, LOST_AT)
    elif not math.isfinite(value):
        to.add(event.step, None)
    else:
        to.add(event.step, mean.value if trace.shows == "smoothed" else value)


def draw(points: Sequence[Points]) -> Figure:
    """The figure with `points` for each of `TRACES`, thinned where they are many."""
    return {
        "data": [_drawn(trace, thin(some)) for trace, some in zip(TRACES, points, strict=True)],
        "layout": _layout(),
    }


def thin(points: Points, most: int = MOST_POINTS) -> Points:
    """At most `most` points that draw the same curve: of each stretch its lowest, its highest and a gap are kept."""
    count = len(points.x)
    if count <= most:
        return points
    stretches = (most - 2) // 3
    keep = {0, count - 1}
    for at in range(stretches):
        keep |= _telling(points.y, range(at * count // stretches, (at + 1) * count // stretches))
    chosen = sorted(keep)
    return Points([points.x[i] for i in chosen], [points.y[i] for i in chosen])


def _telling(y: list[float | None], stretch: range) -> set[int]:
    known = [(value, i) for i in stretch if (value := y[i]) is not None]
    gaps = [i for i in stretch if y[i] is None]
    return {i for _, i in (min(known), max(known))} | set(gaps[:1]) if known else set(gaps[:1])


def _drawn(trace: Trace, points: Points) -> dict[str, Any]:
    hover = {"hovertemplate": "%{y:.4g}"} | trace.look
    return {"type": "scatter", "name": trace.name, "x": points.x, "y": points.y, "yaxis": trace.axis} | hover


def _layout() -> dict[str, Any]:
    axes = {f"yaxis{axis[1:]}": _axis(low_high) for axis, _, low_high in PANELS}
    axes["yaxis4"] = {"overlaying": "y", "range": [0, 1], "fixedrange": True, "visible": False}
    return axes | {
        "xaxis": {"anchor": "y3", "title": {"text": "Step"}, "tickformat": ",d", "rangemode": "tozero"}
        | _PLAIN
        | _SPIKE,
        "annotations": [_title(text, low_high[1]) for _, text, low_high in PANELS],
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": GREY, "size": 12},
        "margin": {"l": 52, "r": 12, "t": 66, "b": 40},  # at the top: the buttons, below them the legend
        "height": 480,
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "legend": {"orientation": "h", "x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom"},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": GREY, "activecolor": BLUE},
        "uirevision": "one run",
    }


def _axis(low_high: tuple[float, float]) -> dict[str, Any]:
    small = low_high[1] - low_high[0] < 0.3
    more = {"nticks": 3, "rangemode": "tozero"} if small else {}
    return {"domain": list(low_high), "exponentformat": "power"} | _PLAIN | more


def _title(text: str, top: float) -> dict[str, Any]:
    place = {"xref": "paper", "yref": "paper", "x": 0, "xanchor": "left", "y": top, "yanchor": "bottom"}
    return place | {"text": text, "showarrow": False}
