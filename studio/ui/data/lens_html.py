"""What the bias lens found as HTML: plots of the differences with their intervals, and each group in plain words."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from studio.data.lens.seen import Difference, GroupSeen, Lens
from studio.data.wording import counted, listed, rows_named, sentence
from studio.ui.data.figures import intervals_figure, plot
from studio.ui.words import note

MOST_LABELS = 4  # plots of labels; all of them are in the words
MOST_NAMED = 12  # groups without a row that are named

Pick = Callable[[GroupSeen], Difference | None]


def lens_html(found: Lens) -> str:
    """Plots and words, or that no row mentions any group."""
    seen = [group for group in found.groups if group.rows]
    if not seen:
        return note("note", f"None of {counted(found.rows, 'row')} mentions any of {len(found.groups):,} groups.")
    plots = [
        _plot("Length of the completion", "words, median of these rows less that of all others", seen, _words),
        _plot("Refusals", _POINTS.format("begin like a refusal"), seen, lambda group: group.refusals, 100),
    ]
    labels = list(dict.fromkeys(label for group in seen for label in group.labels))[:MOST_LABELS]
    plots += [_plot(f"Label {label}", _POINTS.format("have this label"), seen, _label(label), 100) for label in labels]
    drawn = "".join(plots) or note("note", "No group has rows enough for an interval; what there is stands below.")
    words = "".join(map(_in_words, seen))
    none = [group.name for group in found.groups if not group.rows]
    rest = f'<p class="data-quiet">No row mentions {escape(listed(none, MOST_NAMED))}.</p>' if none else ""
    return f'<div class="data-plots">{drawn}</div><div class="data-groups">{words}</div>{rest}'


_POINTS = "percentage points, share of these rows that {} less that of all others"


def _words(group: GroupSeen) -> Difference | None:
    return group.words


def _label(name: str) -> Pick:
    return lambda group: group.labels.get(name)


def _plot(title: str, unit: str, groups: list[GroupSeen], pick: Pick, scale: float = 1) -> str:
    """The differences of one figure, a dot for each group; empty where no group has rows enough."""
    pairs = [(group, pick(group)) for group in groups]
    known = [(group, figure, figure.interval) for group, figure in pairs if figure and figure.interval]
    if not any(figure.value or figure.others for _, figure, _ in known):
        return ""  # nothing to compare, such as refusals where there are none
    names = [f"{group.set}: {group.name}" for group, _, _ in known]
    values = [scale * (figure.value - figure.others) for _, figure, _ in known]
    bounds = [(scale * low, scale * high) for _, _, (low, high) in known]
    rows = [
        (
            name,
            f"{group.compared:,}",
            _figure(scale * figure.value),
            _figure(scale * figure.others),
            f"{low:.3g} to {high:.3g}",
        )
        for name, (group, figure, _), (low, high) in zip(names, known, bounds, strict=True)
    ]
    apart = [name for name, (low, high) in zip(names, bounds, strict=True) if low > 0 or high < 0]
    says = (
        f"In {unit}, with 95 % intervals. The interval does not hold zero for {listed(apart, MOST_NAMED)}."
        if apart
        else f"In {unit}, with 95 % intervals. Every interval holds zero."
    )
    head = ("Group", "Rows", "These rows", "All others", "95 % interval of the difference")
    return plot(title, intervals_figure(names, values, bounds), says, head, rows)


def _figure(value: float) -> str:
    return f"{value:.3g}"


def _in_words(group: GroupSeen) -> str:
    first, *rest = group.sentences
    rows = f"{sentence(rows_named(group.shown))}." if group.rows <= len(group.shown) else ""
    lines = "".join(f"<li>{escape(line)}</li>" for line in [*rest, rows] if line)
    return (
        f'<details class="data-card"><summary><strong>{escape(sentence(group.name))}</strong> '
        f"<span>{escape(first)}</span></summary><ul>{lines}</ul></details>"
    )
