"""Events in, plotly figures out: dicts in plotly's JSON form. The browser draws them, smooths and extends them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Literal

from studio.run.events import AnyEvent, Metrics, that_count

Figure = dict[str, Any]

MOST_POINTS = 1000  # a trace, at the first draw
MOST_NEWS = 100  # and of what is new at a look: a chart has no more pixels for a second
MOST_BESIDE = 300  # a curve of another run, drawn faintly
BLUE, ORANGE, GREY, GREEN, RED = "#3b82d6", "#d9700f", "#8b8f98", "#1d9a7a", "#d33f49"  # each reads on white and black
GRID = "rgba(128, 128, 128, 0.18)"
GIB = 2**30
_PLAIN = {"gridcolor": GRID, "zeroline": False}
_SPIKE = {"spikecolor": GREY, "spikethickness": 1, "spikedash": "dot"}


@dataclass(frozen=True)
class Trace:
    """One line of the chart: which number of the metrics, drawn how. `smoothed` is what the browser smooths; it equals
    the values as long as there are few of them. A `unit` is what the number is divided by."""

    key: str
    name: str
    look: dict[str, Any]
    shows: Literal["values", "smoothed"] = "values"
    unit: float = 1


@dataclass(frozen=True)
class Panel:
    """A piece of the chart with an axis of its own. `shown` says whether it is there until a person chooses."""

    key: str
    title: str
    traces: tuple[Trace, ...]
    shown: bool = False


@dataclass
class Points:
    """Points of one trace. None is a gap: there was a number, and it was not finite."""

    x: list[int] = field(default_factory=list)
    y: list[float | None] = field(default_factory=list)

    def add(self, step: int, value: float | None) -> None:
        self.x.append(step)
        self.y.append(None if value is None else float(f"{value:.5g}"))


def _line(colour: str, width: float, **more: Any) -> dict[str, Any]:
    return {"mode": "lines", "line": {"color": colour, "width": width}} | more


def _dots(colour: str) -> dict[str, Any]:
    look = {"mode": "lines+markers", "marker": {"size": 7, "symbol": "diamond"}, "cliponaxis": False}
    return look | {"line": {"color": colour, "width": 2}}


def _single(key: str, title: str, colour: str = GREY, *, shown: bool = False, digits: str = ".4g") -> Panel:
    hover = f"%{{y:{digits}}}"
    return Panel(key, title, (Trace(key, title, _line(colour, 1.5, showlegend=False, hovertemplate=hover)),), shown)


def _of_machine(key: str, title: str, unit: str, processor: str, gpu: str, divisor: float) -> Panel:
    hover = {"showlegend": False, "hovertemplate": f"%{{y:.3g}} {unit}"}
    own, other = _line(GREEN, 1.5) | hover, _line(ORANGE, 1.5) | hover
    traces = Trace(processor, "Trainer", own, unit=divisor), Trace(gpu, "GPU", other, unit=divisor)
    return Panel(key, title, traces)


def _faint(dash: str) -> dict[str, Any]:
    return _line(GREY, 1.2, showlegend=False, opacity=0.8) | {"line": {"color": GREY, "width": 1.2, "dash": dash}}


FAMILIES = (
    ("fact", "Facts", "dot"),
    ("sum", "Sums", "dash"),
    ("format", "Formats", "dashdot"),
    ("text", "Plain text", "longdash"),
    ("own", "Your own", "solid"),
)
"""Families of probes: name, title, how they are drawn."""

PANELS = (
    Panel(
        "loss",
        "Loss",
        (
            Trace("loss", "Training loss", _line(BLUE, 1, opacity=0.4)),
            Trace("loss", "Smoothed", _line(BLUE, 2.5), "smoothed"),
            Trace("eval_loss", "Held-out loss", _dots(ORANGE)),
        ),
        shown=True,
    ),
    Panel(
        "probe_right",
        "Still right: share of the probes",
        (
            Trace("probe_right", "All probes", _dots(GREEN) | {"showlegend": False}),
            *(Trace(f"probe/{name}", title, _faint(dash)) for name, title, dash in FAMILIES),
        ),
        shown=True,
    ),
    Panel(
        "rewards/margins",
        "Reward margin",
        (
            Trace("rewards/margins", "Margin", _line(BLUE, 1.5, showlegend=False)),
            Trace("eval_rewards/margins", "Held-out margin", _dots(ORANGE) | {"showlegend": False}),
        ),
        shown=True,
    ),
    Panel(
        "rewards/accuracies",
        "Pairs told apart (reward accuracy)",
        (
            Trace("rewards/accuracies", "Training pairs", _line(BLUE, 1.5, showlegend=False)),
            Trace("eval_rewards/accuracies", "Held-out pairs", _dots(ORANGE) | {"showlegend": False}),
        ),
        shown=True,
    ),
    Panel(
        "rewards",
        "Rewards: better, worse answer",
        (
            Trace("rewards/chosen", "Better answer", _line(GREEN, 1.5, showlegend=False)),
            Trace("rewards/rejected", "Worse answer", _line(RED, 1.5, showlegend=False)),
            Trace("eval_rewards/chosen", "Held-out, better", _dots(GREEN) | {"showlegend": False}),
            Trace("eval_rewards/rejected", "Held-out, worse", _dots(RED) | {"showlegend": False}),
        ),
    ),
    Panel(
        "gap",
        "Gap: held-out less training loss",
        (Trace("gap", "Gap", _dots(RED) | {"showlegend": False}),),
        shown=True,
    ),
    _single("learning_rate", "Learning rate", shown=True, digits=".2e"),
    _single("grad_norm", "Gradient norm"),
    Panel(
        "mean_token_accuracy",
        "Token accuracy",
        (
            Trace("mean_token_accuracy", "Accuracy", _line(BLUE, 1.5, showlegend=False)),
            Trace("eval_mean_token_accuracy", "Held-out accuracy", _dots(ORANGE) | {"showlegend": False}),
        ),
    ),
    _single("entropy", "Entropy"),
    _single("probe_loss", "Loss on the probes", GREEN),
    _single("tokens_per_second", "Tokens per second", GREEN, shown=True),
    _single("step_seconds", "Seconds a step", GREEN),
    _of_machine("memory", "Memory in GiB: trainer, GPU", "GiB", "memory", "gpu_memory", GIB),
    _of_machine("percent", "Busy in %: trainer, GPU", "%", "cpu_percent", "gpu_percent", 1),
)
AXES = {panel.key: f"y{at if at > 1 else ''}" for at, panel in enumerate(PANELS, 1)}
TRACES = tuple(trace for panel in PANELS for trace in panel.traces)


def run_figure(events: Iterable[AnyEvent]) -> Figure:
    """The whole chart of a run, over the steps that count. Axes have no place yet: the browser arranges the panels
    that are chosen."""
    points = iter(new_points(that_count(events)))
    return {
        "data": [_drawn(panel, trace, next(points)) for panel in PANELS for trace in panel.traces],
        "panels": [{"key": each.key, "title": each.title, "shown": each.shown} for each in PANELS],
        "layout": _layout(),
    }


def curve(events: Iterable[AnyEvent]) -> Figure:
    """The losses of another run, to be drawn beside: what is smoothed, and what was held out."""
    points = {trace.key: some for trace, some in zip(TRACES, new_points(that_count(events)), strict=True)}
    return {
        "loss": vars(thin_means(points["loss"], MOST_BESIDE)),
        "eval_loss": vars(thin(points["eval_loss"], MOST_BESIDE)),
    }


def new_points(events: Iterable[AnyEvent]) -> list[Points]:
    """What `events` add to each of `TRACES`."""
    points = [Points() for _ in TRACES]
    for event in events:
        if isinstance(event, Metrics):
            for trace, to in zip(TRACES, points, strict=True):
                value = event.values.get(trace.key)
                if value is not None:
                    to.add(event.step, value / trace.unit if math.isfinite(value) else None)
    return points


def extension(events: Iterable[AnyEvent]) -> dict[int, Figure]:
    """What `events` add to the traces, by their place in the figure. What is smoothed is left out: it is the values."""
    every = enumerate(zip(TRACES, new_points(events), strict=True))
    return {i: vars(thin(new, MOST_NEWS)) for i, (trace, new) in every if new.x and trace.shows == "values"}


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


def thin_means(points: Points, most: int = MOST_POINTS) -> Points:
    """At most `most` points with the same mean over any stretch: what smoothing needs, which extremes would bend."""
    count, means = len(points.x), Points()
    if count <= most:
        return points
    for at in range(most):
        stretch = range(at * count // most, (at + 1) * count // most)
        known = [value for i in stretch if (value := points.y[i]) is not None]
        means.add(points.x[stretch[-1]], fmean(known) if known else None)
    return means


def _telling(y: list[float | None], stretch: range) -> set[int]:
    known = [(value, i) for i in stretch if (value := y[i]) is not None]
    gaps = [i for i in stretch if y[i] is None]
    return {i for _, i in (min(known), max(known))} | set(gaps[:1]) if known else set(gaps[:1])


def _drawn(panel: Panel, trace: Trace, points: Points) -> Figure:
    some = thin_means(points) if trace.shows == "smoothed" else thin(points)
    look = {"type": "scatter", "name": trace.name, "hovertemplate": "%{y:.4g}"} | trace.look
    what = {"panel": panel.key, "key": trace.key, "shows": trace.shows}
    return look | {"x": some.x, "y": some.y, "yaxis": AXES[panel.key], "meta": what}


def _layout() -> Figure:
    return {f"yaxis{AXES[panel.key][1:]}": _axis(panel) for panel in PANELS} | {
        "xaxis": {"title": {"text": "Step"}, "tickformat": ",d", "rangemode": "tozero"} | _PLAIN | _SPIKE,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": GREY, "size": 12},
        "margin": {"l": 52, "r": 12, "t": 66, "b": 40},  # at the top: the buttons, below them the legend
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "legend": {"orientation": "h", "x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom"},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": GREY, "activecolor": BLUE},
        "uirevision": "one run",
    }


def _axis(panel: Panel) -> Figure:
    more = {} if panel is PANELS[0] else {"nticks": 3, "rangemode": "tozero"}
    return {"exponentformat": "power"} | _PLAIN | more
