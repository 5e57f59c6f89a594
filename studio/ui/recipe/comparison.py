"""The methods side by side: how much each trains, what memory it takes, and what it is good at. A picture, and the same
as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

from studio.recipe.methods.every import method_named
from studio.recipe.methods.method import TuningMethod
from studio.run.forecast.forecast import Cost
from studio.ui.recipe.amounts import bytes_in_words, share_in_words
from studio.ui.recipe.picker import families_used

WIDTH, HEIGHT = 960, 420
LEFT, RIGHT, TOP, BOTTOM = 74, 24, 20, 56
LETTER, LINE = 6.6, 15  # how wide a letter and how high a line of a label is, in the picture's units
RADIUS = 6
SAME = 3  # points nearer than this share one label

ALIKE = 0.75  # the least memory as a share of the most, from which on the methods take about the same
ABOUT = "Each point is a method as it begins, on this base and for this task, with everything else as usual."
MUCH_ALIKE = "On a base of this size they take about the same memory: the libraries' own share is most of it."
WAITING = (
    '<p class="data-quiet" role="status">What each method would take on this base is being worked out. '
    "The picture comes by itself; you can go on meanwhile.</p>"
)
UNKNOWN = '<p class="data-quiet">What the methods would take on this base cannot be told.</p>'


@dataclass(frozen=True)
class Point:
    """One method in the picture, at `x` and `y` of its units."""

    cost: Cost
    method: type[TuningMethod]
    x: float
    y: float


@dataclass(frozen=True)
class Box:
    """A rectangle that a label takes."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


def comparison_html(costs: Sequence[Cost] | None, current: str) -> str:
    """The picture and the table, with the method named `current` marked; what is being done, while there are none."""
    if not costs:
        return WAITING if costs is None else UNKNOWN
    about = ABOUT + (f" {MUCH_ALIKE}" if _alike(costs) else "")
    known = sorted(costs, key=lambda cost: cost.trainable_parameters)
    return (
        f'<p class="data-quiet">{about}</p><figure class="comparison">{_picture(known, current)}'
        f'<figcaption>{_legend()}</figcaption></figure><details class="comparison-table"><summary>The same as a table'
        f"</summary>{_table(known, current)}</details>"
    )


def _alike(costs: Sequence[Cost]) -> bool:
    sizes = [cost.memory_bytes for cost in costs]
    return min(sizes) > ALIKE * max(sizes)


def _picture(costs: Sequence[Cost], current: str) -> str:
    low, high = _decades(cost.trainable_parameters / max(1, cost.parameters) for cost in costs)
    most = max(cost.memory_bytes for cost in costs) * 1.3 or 1

    def place(cost: Cost) -> Point:
        share = max(cost.trainable_parameters / max(1, cost.parameters), 10**low)
        x = LEFT + (log10(share) - low) / (high - low) * (WIDTH - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - cost.memory_bytes / most * (HEIGHT - TOP - BOTTOM)
        return Point(cost, method_named(cost.method), x, y)

    points = [place(cost) for cost in costs]
    marks = "".join(_mark(point, point.cost.method == current) for point in points)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Methods by the share of the weights that they '
        f'train and the memory that they take; the table below says the same.">{_axes(low, high, most)}'
        f"{_labels(points, current)}{marks}</svg>"
    )


def _decades(shares: Iterable[float]) -> tuple[int, int]:
    """The powers of ten around all shares; nothing trained counts as a millionth."""
    logs = [log10(max(share, 1e-6)) for share in shares]
    low = floor(min(logs))
    return low, max(ceil(max(logs)), low + 1)


def _axes(low: int, high: int, most: float) -> str:
    bottom, parts = HEIGHT - BOTTOM, []
    for power in range(low, high + 1):
        x = LEFT + (power - low) / (high - low) * (WIDTH - LEFT - RIGHT)
        text = f"{100 * 10.0**power:.8f}".rstrip("0").rstrip(".") + " %"
        parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{bottom}"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{text}</text>')
    for size in _ticks(most):
        y = bottom - size / most * (bottom - TOP)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{bytes_in_words(size)}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 12}" text-anchor="middle">weights trained, share of all</text>')
    parts.append(f'<text transform="translate(14 {(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">memory</text>')
    return f'<g class="axes" aria-hidden="true">{"".join(parts)}</g>'


def _ticks(most: float) -> list[float]:
    """Round sizes from 0 to `most`, three to seven of them."""
    decade = 10 ** floor(log10(most))
    step = next(part * decade for part in (0.2, 0.5, 1, 2) if most / (part * decade) <= 6)
    return [number * step for number in range(floor(most / step) + 1)]


def _mark(point: Point, current: bool) -> str:
    share = share_in_words(point.cost.trainable_parameters, point.cost.parameters)
    words = f"{point.method.title}: good at {point.method.good_at}. Trains {share}, takes "
    words += bytes_in_words(point.cost.memory_bytes)
    ring = f'<circle class="ring" cx="{point.x:.1f}" cy="{point.y:.1f}" r="{RADIUS + 5}"/>' if current else ""
    return (
        f'<g class="family-{_place(point.method)}">{ring}<circle cx="{point.x:.1f}" cy="{point.y:.1f}" r="{RADIUS}">'
        f"<title>{escape(words)}</title></circle></g>"
    )


def _labels(points: Sequence[Point], current: str) -> str:
    """A label for each place, where none lies on another; what finds no room is named by hover and table."""
    groups: list[list[Point]] = []
    for point in points:
        near = (group for group in groups if abs(group[0].x - point.x) + abs(group[0].y - point.y) < SAME)
        group = next(near, None)
        groups.append([point]) if group is None else group.append(point)
    groups.sort(key=lambda group: all(point.cost.method != current for point in group))  # the chosen one's first
    taken = [_around(point) for point in points]
    drawn = []
    for group in groups:
        text = ", ".join(point.method.title for point in group)
        free = (box for box in _rooms(group[0], len(text) * LETTER) if not any(box.meets(other) for other in taken))
        box = next(free, None)
        if box is None:
            continue
        taken.append(box)
        look = ' class="current"' if any(point.cost.method == current for point in group) else ""
        drawn.append(f'<text x="{box.left:.1f}" y="{box.bottom - 4:.1f}"{look}>{escape(text)}</text>')
        drawn.append(_thread(group[0], box))
    return f'<g class="labels" aria-hidden="true">{"".join(drawn)}</g>'


def _around(point: Point) -> Box:
    return Box(point.x - RADIUS, point.y - RADIUS, point.x + RADIUS, point.y + RADIUS)


def _rooms(point: Point, width: float) -> Iterable[Box]:
    """Places for a label of this width, the nearest first, inside the picture."""
    for shift in range(0, 9 * LINE, LINE):
        for lift in {shift: None, -shift: None}:
            for left in (point.x + RADIUS + 4, point.x - RADIUS - 4 - width, point.x - width / 2):
                if left == point.x - width / 2 and not shift:
                    continue  # on the point itself
                top = point.y - LINE / 2 + lift
                if left > LEFT and left + width < WIDTH and top > 0 and top + LINE < HEIGHT - BOTTOM:
                    yield Box(left, top, left + width, top + LINE)


def _thread(point: Point, box: Box) -> str:
    """A thin line from a point to a label that lies away from it."""
    middle = (box.top + box.bottom) / 2
    if abs(middle - point.y) <= LINE:
        return ""
    x = min(max(point.x, box.left), box.right)
    y = box.bottom if middle < point.y else box.top
    return f'<path class="thread" d="M{point.x:.1f} {point.y:.1f}L{x:.1f} {y:.1f}"/>'


def _legend() -> str:
    families = families_used()
    return "".join(f'<span class="family-{number}">{escape(family)}</span>' for number, family in enumerate(families))


def _place(method: type[TuningMethod]) -> int:
    return families_used().index(method.family)


def _table(costs: Sequence[Cost], current: str) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in ("Method", "Trains", "Memory", "Result", "Good at"))
    rows = "".join(_row(cost, cost.method == current) for cost in costs)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _row(cost: Cost, current: bool) -> str:
    method = method_named(cost.method)
    cells = (
        share_in_words(cost.trainable_parameters, cost.parameters),
        bytes_in_words(cost.memory_bytes),
        bytes_in_words(cost.stored_bytes),
        method.good_at,
    )
    mark, words = (' aria-current="true"', " (chosen)") if current else ("", "")
    inner = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'<tr{mark}><th scope="row">{escape(method.title)}{words}</th>{inner}</tr>'
