"""The report's HTML: figures, a card for each finding with its mend, and the list of what was mended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from studio.data.dataset import Prepared
from studio.data.findings import Finding
from studio.data.mends.every import Drop, Edit, MendKind
from studio.data.wording import counted, rows_named, sentence
from studio.ui.data.press import button
from studio.ui.words import SIGNS, figures, note

SEVERITIES = ("error", "warning", "note")
FIELDS = {"prompt": "the prompt", "completion": "the completion", "rejected": "the worse answer"}

Offer = Callable[[Finding], MendKind | None]


def figures_html(prepared: Prepared, tokens: int | None) -> str:
    """The set in figures. `tokens` are those of the rows trained on, where they are known."""
    report = prepared.report
    shown = [
        ("Rows", f"{report.rows:,}"),
        ("To train on", f"{len(prepared.train):,}"),
        ("Held out", f"{len(prepared.held_out):,}"),
        ("Left out", f"{len(report.left_out):,}"),
    ]
    if tokens is not None:
        shown.append(("Tokens", f"{tokens:,}"))
    for name, lengths in (("Prompt", report.prompt_characters), ("Completion", report.completion_characters)):
        if lengths.longest:
            shown.append((f"{name}, median", f"{lengths.median:,} characters"))
    return figures(shown)


def verdict_html(prepared: Prepared, findings: Sequence[Finding]) -> str:
    """Whether anything stands in the way of training on these rows."""
    errors = sum(finding.severity == "error" for finding in findings)
    if errors:
        return note("error", f"{sentence(counted(errors, 'thing'))} to mend before these rows can be trained on.")
    rows = f"{counted(len(prepared.train), 'row')} to train on, {len(prepared.held_out):,} held out"
    if findings:
        return note("note", f"Nothing stands in the way of training: {rows}. What was noticed is below.")
    return note("note", f"Nothing is wrong with {counted(prepared.report.rows, 'row')}. Ready to train: {rows}.")


def cards_html(findings: Sequence[Finding], offer: Offer, *, told: str = "What was noticed") -> str:
    """A card for each finding, the gravest first: what it is, why it matters, which rows, and its mend.

    A card's buttons are pressed as `rows:KIND` and `mend:PLACE:KIND`, PLACE being the finding's in `findings`.
    """
    if not findings:
        return ""
    order = sorted(range(len(findings)), key=lambda place: SEVERITIES.index(findings[place].severity))
    cards = "".join(_card(place, findings[place], offer(findings[place])) for place in order)
    return f'<h3 class="data-heading">{escape(told)}</h3><ul class="data-cards">{cards}</ul>'


def mends_html(mends: Sequence[MendKind]) -> str:
    """What was mended, in its order, each with its undo: buttons `undo:PLACE`, `undo:last` and `undo:all`."""
    if not mends:
        return ""
    items = "".join(
        f"<li><span>{escape(done(mend))}</span> {button(f'undo:{place}', 'Undo', says=f'Undo: {done(mend)}')}</li>"
        for place, mend in enumerate(mends)
    )
    every = button("undo:last", "Undo the last") + button("undo:all", "Undo all") if len(mends) > 1 else ""
    return (
        '<section class="data-mends" aria-label="Mends">'
        f'<p data-told tabindex="-1" role="status"><strong>{counted(len(mends), "mend")} done.</strong> Kept in the '
        "recipe and applied in this order; the file itself is never changed.</p>"
        f'<ol>{items}</ol><div class="data-buttons">{every}</div></section>'
    )


def done(mend: MendKind) -> str:
    """What a mend has done, in a line."""
    if isinstance(mend, Drop):
        return f"{counted(len(mend.rows), 'row')} dropped by hand: {rows_named(mend.rows)}"
    if isinstance(mend, Edit):
        return f"Row {mend.row}: {field_name(mend.field)} edited by hand"
    return sentence(mend.done)


def field_name(field: str) -> str:
    """What a person calls the cell that an edit names: `the prompt`, `turn 3`."""
    name, _, turn = field.partition(".")
    return f"turn {int(turn) + 1}" if turn else FIELDS[name]


def heading(kind: str) -> str:
    """A finding's kind as a heading: `exact-duplicate` → `Exact duplicate`."""
    return sentence(kind.replace("-", " "))


def _card(place: int, finding: Finding, mend: MendKind | None) -> str:
    count = f'<span class="data-count">{counted(finding.count, "row")}</span>' if finding.count else ""
    out = '<span class="data-count">left out</span>' if finding.left_out else ""
    why = f'<p class="data-why"><strong>Why it matters:</strong> {escape(finding.why)}</p>' if finding.why else ""
    name = heading(finding.kind)
    buttons = ""
    if finding.rows:
        buttons += button(f"rows:{finding.kind}", "Show these rows", says=f"Show these rows: {name}")
    if mend is not None:
        buttons += button(f"mend:{place}:{finding.kind}", mend.title, says=f"{mend.title}: {name}", look="main")
    return (
        f'<li class="data-card data-card-{finding.severity} note-{finding.severity}"><div class="data-card-head">'
        f'<b aria-hidden="true">{SIGNS[finding.severity]}</b><h4>{escape(name)}</h4>{count}{out}</div>'
        f'<p dir="auto">{escape(finding.message)}</p>{why}'
        + (f'<div class="data-buttons">{buttons}</div>' if buttons else "")
        + "</li>"
    )
