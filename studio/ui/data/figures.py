"""The data room's plots as plotly figures in plain dicts, each with its words. The page draws them (assets/data.js)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Any

from studio.charts import BLUE, GREEN, GREY, GRID, ORANGE, Figure
from studio.data.findings import Histogram
from studio.data.wording import counted

SHOWN_BARS = 20  # of a bar plot with a bar for each name; the others are one bar together
BAR_PIXELS = 26
LETTERS = 28  # of a name beside its bar
_PLAIN = {"gridcolor": GRID, "zeroline": False, "fixedrange": True}
_CUT = {"color": ORANGE, "pattern": {"shape": "/", "solidity": 0.4}}


def lengths_figure(whole: Histogram, prompts: Histogram, completions: Histogram, cut: int) -> Figure:
    """How long rows are in tokens, below it their prompts and completions, and where the longest row cuts them.

    A row of exactly `cut` tokens fits. A bar that the cut goes through counts as cut; the study puts an edge there.
    """
    kept = [count if high <= cut + 1 else 0 for count, high in zip(whole.counts, whole.edges[1:], strict=True)]
    lost = [count - stays for count, stays in zip(whole.counts, kept, strict=True)]
    data = [
        _bars(whole, kept, "Rows that fit", "y", {"color": BLUE}),
        _bars(whole, lost, "Rows that are cut", "y", _CUT),
        _bars(prompts, prompts.counts, "Prompts", "y2", {"color": GREY}, opacity=0.75),
        _bars(completions, completions.counts, "Completions", "y2", {"color": GREEN}, opacity=0.75),
    ]
    end = max(each.edges[-1] for each in (whole, prompts, completions) if each.edges)
    line = {"type": "line", "xref": "x", "yref": "paper", "x0": cut + 1, "x1": cut + 1, "y0": 0, "y1": 1}
    line["line"] = {"color": ORANGE, "width": 2, "dash": "dash"}
    layout = _layout(360, top=56) | {
        "barmode": "overlay",
        "bargap": 0.04,
        "xaxis": {"title": {"text": "Tokens"}, "anchor": "y2", "range": [0, end]} | _PLAIN,
        "yaxis": {"title": {"text": "Rows"}, "domain": [0.56, 1], "rangemode": "tozero"} | _PLAIN,
        "yaxis2": {"title": {"text": "Rows"}, "domain": [0, 0.44], "rangemode": "tozero"} | _PLAIN,
        "legend": {"orientation": "h", "x": 0, "y": 1.04, "yanchor": "bottom"},
        "showlegend": True,
        "shapes": [line] if cut <= end else [],
        "annotations": [_note(cut, f"longest row: {cut:,}", end)] if cut <= end else [],
    }
    return {"data": [trace for trace in data if any(trace["y"])], "layout": layout}


def bin_names(of: Histogram) -> list[str]:
    """What each bin holds, such as `20 to 29`."""
    pairs = zip(of.edges[:-1], of.edges[1:], strict=True)
    named = [f"{low:,} to {high - 1:,}" if high - low > 1 else f"{low:,}" for low, high in pairs]
    return [*named[:-1], f"{of.edges[-2]:,} and more"] if named else []


def bars_figure(names: Sequence[str], counts: Sequence[int], colour: str = BLUE) -> Figure:
    """A horizontal bar for each name, the first on top."""
    trace = {
        "type": "bar",
        "orientation": "h",
        "y": list(range(len(names))),
        "x": list(counts),
        "text": [f"{count:,}" for count in counts],
        "textposition": "auto",
        "cliponaxis": False,
        "marker": {"color": colour},
        "customdata": [escape(name) for name in names],
        "hovertemplate": "%{customdata}: %{x:,}<extra></extra>",
    }
    layout = _layout(70 + BAR_PIXELS * len(names)) | {
        "xaxis": {"title": {"text": "Rows"}, "rangemode": "tozero"} | _PLAIN,
        "yaxis": _names_axis(names),
    }
    return {"data": [trace], "layout": layout}


def intervals_figure(names: Sequence[str], values: Sequence[float], bounds: Sequence[tuple[float, float]]) -> Figure:
    """A dot for each name with its interval, the first on top."""
    pairs = list(zip(values, bounds, strict=True))
    trace = {
        "type": "scatter",
        "mode": "markers",
        "y": list(range(len(names))),
        "x": list(values),
        "marker": {"color": BLUE, "size": 9},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [high - value for value, (_, high) in pairs],
            "arrayminus": [value - low for value, (low, _) in pairs],
            "color": GREY,
            "thickness": 1.5,
        },
        "customdata": [[escape(name), low, high] for name, (low, high) in zip(names, bounds, strict=True)],
        "hovertemplate": "%{customdata[0]}: %{x:.3g} (%{customdata[1]:.3g} to %{customdata[2]:.3g})<extra></extra>",
    }
    layout = _layout(70 + BAR_PIXELS * len(names)) | {
        "xaxis": _PLAIN | {"zeroline": True, "zerolinecolor": GREY, "zerolinewidth": 1.5},
        "yaxis": _names_axis(names),
    }
    return {"data": [trace], "layout": layout}


def most_frequent(counts: dict[str, int], most: int = SHOWN_BARS) -> tuple[list[str], list[int]]:
    """Names and counts, the most frequent first; those beyond `most` are one entry together."""
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    if len(ranked) <= most:
        return [name for name, _ in ranked], [count for _, count in ranked]
    shown, rest = ranked[: most - 1], ranked[most - 1 :]
    others = (counted(len(rest), "other"), sum(count for _, count in rest))
    return [name for name, _ in [*shown, others]], [count for _, count in [*shown, others]]


def plot(title: str, figure: Figure, says: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A figure as HTML: its title, what it shows in a sentence (also for who cannot see it), and its numbers."""
    cells = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    drawn = escape(json.dumps(figure, ensure_ascii=True, separators=(",", ":")))
    height = int(figure["layout"]["height"])
    return (
        f'<figure class="data-figure"><figcaption><strong>{escape(title)}</strong> {escape(says)}</figcaption>'
        f'<div class="data-plot" role="img" aria-label="{escape(title)}: {escape(says)}" style="min-height:{height}px" '
        f'data-figure="{drawn}"></div>'
        f"<details><summary>The numbers</summary><table><thead><tr>{names}</tr></thead><tbody>{cells}</tbody></table>"
        "</details></figure>"
    )


def _bars(of: Histogram, counts: list[int], name: str, axis: str, marker: dict[str, Any], **more: Any) -> Figure:
    pairs = list(zip(of.edges[:-1], of.edges[1:], strict=True))
    return {
        "type": "bar",
        "name": name,
        "x": [(low + high) / 2 for low, high in pairs],
        "y": counts,
        "width": [high - low for low, high in pairs],
        "yaxis": axis,
        "marker": marker,
        "customdata": bin_names(of),
        "hovertemplate": "%{customdata} tokens: %{y:,}<extra>" + name + "</extra>",
    } | more


def _note(at: float, text: str, end: float) -> dict[str, Any]:
    side = "right" if at > end / 2 else "left"
    place = {"x": at, "xref": "x", "y": 1, "yref": "paper", "yanchor": "top", "xanchor": side}
    return place | {"text": text, "showarrow": False, "xshift": -6 if side == "right" else 6, "font": {"color": ORANGE}}


def _names_axis(names: Sequence[str]) -> dict[str, Any]:
    short = [escape(name if len(name) <= LETTERS else name[: LETTERS - 1] + "…") for name in names]
    ticks = {"tickmode": "array", "tickvals": list(range(len(names))), "ticktext": short}
    return ticks | {
        "autorange": "reversed",
        "automargin": True,
        "fixedrange": True,
        "zeroline": False,
        "showgrid": False,
    }


def _layout(height: int, top: int = 12) -> dict[str, Any]:
    return {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": GREY, "size": 12},
        "margin": {"l": 56, "r": 28, "t": top, "b": 42 if height > 120 else 8},
        "height": height,
        "showlegend": False,
        "hovermode": "closest",
        "dragmode": False,
    }
