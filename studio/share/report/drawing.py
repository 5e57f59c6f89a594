"""Small drawings as inline SVG: curves, figures with their intervals, distributions. Colours come from the page's CSS.

Every text that goes in is escaped by `Markup.format`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from markupsafe import Markup

Point = tuple[float, float]

WIDTH, HEIGHT = 720, 230
LEFT, RIGHT, TOP, BOTTOM = 76, 22, 12, 36
MOST_POINTS = 400  # of a curve: more than a printed line can show
TICKS, FEW_TICKS, LOW = 5, 2, 160  # how many, and below which height there are few


@dataclass(frozen=True)
class Series:
    """A named line. `dotted` puts a dot at each point: there are few of them. `colour` is a class of the CSS."""

    name: str
    points: Sequence[Point]
    colour: str
    dotted: bool = False


@dataclass(frozen=True)
class Mark:
    """A value with its interval, as a dot with whiskers."""

    name: str
    text: str
    value: float
    low: float
    high: float
    colour: str


def curves(
    series: Sequence[Series], across: str, up: str, *, height: int = HEIGHT, marked: float | None = None
) -> Markup:
    """Lines over one axis. `marked` is a step that is pointed at."""
    drawn = [Series(s.name, thin(s.points), s.colour, s.dotted) for s in series if s.points]
    points = [point for each in drawn for point in each.points]
    if not points:
        return Markup("")
    low_x, high_x = _widened(min(x for x, _ in points), max(x for x, _ in points))
    low_y, high_y = _widened(min(y for _, y in points), max(y for _, y in points))
    ticks_x, ticks_y = _ticks(low_x, high_x), _ticks(low_y, high_y, TICKS if height >= LOW else FEW_TICKS)
    low_y, high_y = min(low_y, *ticks_y), max(high_y, *ticks_y)

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + (x - low_x) / (high_x - low_x) * (WIDTH - LEFT - RIGHT),
            height - BOTTOM - (y - low_y) / (high_y - low_y) * (height - TOP - BOTTOM),
        )

    inside = [
        *[_across(place(low_x, tick)[1], tick) for tick in ticks_y],
        *[_below(place(tick, low_y)[0], height, tick) for tick in ticks_x if low_x <= tick <= high_x],
        *([_pointer(place(marked, low_y)[0], height)] if marked is not None and low_x <= marked <= high_x else []),
        *[_line(each, [place(*point) for point in each.points]) for each in drawn],
        Markup('<text class="axis" x="{}" y="{}" text-anchor="end">{}</text>').format(
            WIDTH - RIGHT, height - 4, across
        ),
    ]
    key = Markup("").join(Markup('<li class="{}">{}</li>').format(each.colour, each.name) for each in drawn)
    title = f"{up} by {across.lower()}: " + "; ".join(_told(each) for each in drawn)
    return Markup('<figure><figcaption>{}<ul class="key">{}</ul></figcaption>{}</figure>').format(
        up, key, _svg(inside, WIDTH, height, title)
    )


def whiskers(marks: Sequence[Mark], *, low: float | None = None, high: float | None = None) -> Markup:
    """Values below one another, each with its interval, over one axis from `low` to `high` or as far as they go."""
    least, most = _widened(
        min(mark.low for mark in marks) if low is None else low,
        max(mark.high for mark in marks) if high is None else high,
    )
    wide, line = 260, 18

    def place(value: float) -> float:
        return 4 + min(max((value - least) / (most - least), 0), 1) * (wide - 8)

    inside = [
        Markup(
            '<g class="{c}"><line class="whisker" x1="{a:.1f}" x2="{b:.1f}" y1="{y}" y2="{y}"/>'
            '<circle cx="{x:.1f}" cy="{y}" r="4"/><title>{n}: {t}</title></g>'
        ).format(
            c=mark.colour, a=place(mark.low), b=place(mark.high), x=place(mark.value), y=line * at + 9, n=mark.name,
            t=mark.text,
        )
        for at, mark in enumerate(marks)
    ]  # fmt: skip
    told = "; ".join(f"{mark.name}: {mark.text}" for mark in marks)
    frame = [Markup('<line class="grid" x1="0" x2="{}" y1="{y}" y2="{y}"/>').format(wide, y=line * len(marks) - 0.5)]
    return _svg([*frame, *inside], wide, line * len(marks), told, kind="whiskers")


def pairs(names: Sequence[str], one: Sequence[float], other: Sequence[float], titles: tuple[str, str]) -> Markup:
    """Two distributions over the same bins, side by side, each as shares of its own."""
    shares = [[value / max(1e-12, math.fsum(each)) for value in each] for each in (one, other)]
    most, wide, high = max(*shares[0], *shares[1], 1e-9), 360, 90
    step = wide / max(1, len(names))
    inside = [
        Markup('<rect class="{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}"/>').format(
            colour, at * step + offset * step, high - share / most * high, step * 0.42, share / most * high
        )
        for values, offset, colour in ((shares[0], 0.06, "c1"), (shares[1], 0.52, "c2"))
        for at, share in enumerate(values)
    ]
    inside.append(Markup('<line class="grid" x1="0" x2="{}" y1="{y}" y2="{y}"/>').format(wide, y=high))
    told = "; ".join(
        f"{name}: {titles[0]} {a:.0%}, {titles[1]} {b:.0%}" for name, a, b in zip(names, *shares, strict=True)
    )
    return _svg(inside, wide, high + 1, told, kind="pairs")


def thin(points: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """At most `most` points: the means of stretches of equal length. What is no number is left out."""
    known = [(x, y) for x, y in points if math.isfinite(y)]
    if len(known) <= most:
        return known
    cuts = [at * len(known) // most for at in range(most + 1)]
    stretches = [known[start:end] for start, end in itertools.pairwise(cuts)]
    return [(stretch[-1][0], fmean(y for _, y in stretch)) for stretch in stretches]


def _svg(inside: Sequence[Markup], width: int, height: int, told: str, kind: str = "curves") -> Markup:
    return Markup('<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        kind, width, height, told[:1000], Markup("").join(inside)
    )


def _line(series: Series, places: Sequence[Point]) -> Markup:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = Markup("").join(
        Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="3.5"/>').format(series.colour, x, y)
        for x, y in (places if series.dotted or len(places) == 1 else [])
    )
    return Markup('<polyline class="{}" points="{}"/>{}').format(series.colour, path, dots)


def _across(y: float, tick: float) -> Markup:
    return Markup(
        '<line class="grid" x1="{a}" x2="{b}" y1="{y:.1f}" y2="{y:.1f}"/>'
        '<text class="axis" x="{c}" y="{d:.1f}" text-anchor="end">{t}</text>'
    ).format(a=LEFT, b=WIDTH - RIGHT, y=y, c=LEFT - 6, d=y + 4, t=f"{tick:.4g}")


def _below(x: float, height: int, tick: float) -> Markup:
    return Markup('<text class="axis" x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
        x, height - BOTTOM + 16, f"{tick:,.6g}"
    )


def _pointer(x: float, height: int) -> Markup:
    return Markup('<line class="pointer" x1="{x:.1f}" x2="{x:.1f}" y1="{a}" y2="{b}"/>').format(
        x=x, a=TOP, b=height - BOTTOM
    )


def _told(series: Series) -> str:
    first, last = series.points[0], series.points[-1]
    return f"{series.name} from {first[1]:.4g} at {first[0]:,g} to {last[1]:.4g} at {last[0]:,g}"


def _widened(low: float, high: float) -> tuple[float, float]:
    if high > low:
        return low, high
    return low - abs(low) / 10 - 1e-9, high + abs(high) / 10 + 1e-9


def _ticks(low: float, high: float, about: int = TICKS) -> list[float]:
    """About so many round numbers from one at or below `low` to one at or above `high`."""
    rough = (high - low) / about
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [at * step for at in range(first, last + 1)]
