"""HTML that was left in text: tags, comments and entities. Code and signs of comparison are none."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator

from studio.data.checks.sweep import Told, sweep
from studio.data.example import Examples
from studio.data.findings import Finding, finding
from studio.data.wording import rows_named, sentence

MAYBE_MARKUP = r"<[/!a-zA-Z]|&[#a-zA-Z]"
"""RE2: in every text that has some."""

_NAMES = (
    "abbr address article aside b big blockquote body br button caption center cite code col colgroup dd del details "
    "div dl dt em fieldset figcaption figure font footer form h1 h2 h3 h4 h5 h6 head header hr html i iframe img input "
    "ins label li link main meta nav noscript ol optgroup option p picture pre section select small span strike strong "
    "sub summary sup svg table tbody td textarea tfoot th thead tr tt u ul video script style"
)
_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]+`)", re.DOTALL)
_UNSPOKEN = re.compile(
    r"<(script|style)\b[^<>]{0,500}>(?:(?!<(?:script|style)\b).)*?</\1\s*>|<!--(?:(?!<!--).)*?-->|<!doctype[^<>]{0,500}>",
    re.I | re.S,
)
"""What a browser shows nothing of. None reaches over the beginning of the next, so that the search is linear."""

_TAG = re.compile(
    rf"</?({_NAMES.replace(' ', '|')})(?:\s[^<>]{{0,2000}}|\s*/)?>|</?a(?:\s[^<>]{{1,2000}}|(?<=/a)\s*)>", re.I
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_BREAKS = frozenset({
    "address", "article", "blockquote", "br", "caption", "dd", "div", "dl", "dt", "figcaption", "footer", "h1", "h2",
    "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tr", "ul",
})  # fmt: skip


def without_markup(text: str) -> str:
    """The text without tags and with letters for entities. Where a block begins or ends, a line does."""
    return outside_code(text, _plain)


def has_markup(text: str) -> bool:
    """Whether there are tags or entities outside code."""
    return without_markup(text) != text


def outside_code(text: str, changed: Callable[[str], str]) -> str:
    """The text with everything but code in backticks put through `changed`."""
    if "`" not in text:
        return changed(text)
    parts = _CODE.split(text)
    return "".join(part if place % 2 else changed(part) for place, part in enumerate(parts))


def find_markup(examples: Examples, told: Told) -> Iterator[Finding]:
    """Rows with markup in any of their texts."""
    places = sweep(examples, has_markup, told, MAYBE_MARKUP)
    if len(places):
        rows = examples.rows[places].tolist()
        yield finding(
            "markup",
            rows,
            f"{sentence(rows_named(rows))}: HTML tags or entities such as <br> and &amp;. Kept, and learnt.",
            "warning",
            why="Text copied from web pages brings its markup along. The model learns to answer in tags, which is "
            "right only where you want HTML.",
            mend="strip-markup",
        )


def _plain(text: str) -> str:
    spoken = _UNSPOKEN.sub("", text)
    bare = _TAG.sub(lambda tag: "\n" if (tag[1] or "").lower() in _BREAKS else "", spoken)
    if bare != text:
        bare = re.sub(r"\n{3,}", "\n\n", re.sub(r"(?<![ \t])[ \t]+\n", "\n", bare)).strip("\n")
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]).replace("\xa0", " "), bare)
