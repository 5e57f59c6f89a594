"""The thorough look at examples: slower than the check, one concern after another, each in time linear in the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from studio.data.checks.answers import find_answer_in_prompt, find_cut_off, find_same_answer, find_variables
from studio.data.checks.boilerplate import find_boilerplate, find_refusals, find_self
from studio.data.checks.check import CHECKED, check
from studio.data.checks.languages import find_languages
from studio.data.checks.letters import find_letters
from studio.data.checks.markup import find_markup
from studio.data.checks.near import near_groups
from studio.data.checks.outliers import find_imbalance, find_lengths
from studio.data.checks.padding import find_padding
from studio.data.checks.personal import find_personal
from studio.data.checks.repeats import copies
from studio.data.checks.screens import Texts
from studio.data.checks.sweep import Told
from studio.data.example import Examples
from studio.data.findings import Finding, finding
from studio.data.wording import counted, rows_named, sentence

Tell = Callable[[str, int, int], object]
"""Hears what is looked for, how many rows are done, and of how many."""


@dataclass(frozen=True)
class Scan:
    """One concern: what it looks for, in words for a progress bar, the kinds it finds, and how."""

    what: str
    kinds: tuple[str, ...]
    find: Callable[[Examples, Told], Iterator[Finding]]


def scan(examples: Examples, tell: Tell = lambda what, done, total: None) -> list[Finding]:
    """All that the thorough look finds. Rows that the check leaves out are best left out before.

    `tell` is called at least once for each concern and every 10,000 rows; what it raises ends the scan.
    """
    findings: list[Finding] = []
    for each in SCANS:
        findings += _run(each, examples, tell)
    return findings


def rows_found(examples: Examples, kind: str) -> list[int]:
    """The rows of which one thing is found, by the check or by the scan that finds it; none for an unknown kind."""
    findings = list(check(examples).findings) if kind in CHECKED else []
    for each in SCANS:
        if kind in each.kinds:
            findings += _run(each, examples, lambda what, done, total: None)
    return sorted({row for found in findings if found.kind == kind for row in found.rows})


def _run(each: Scan, examples: Examples, tell: Tell) -> list[Finding]:
    tell(each.what, 0, len(examples))
    found = list(each.find(examples, lambda done: tell(each.what, done, len(examples))))
    tell(each.what, len(examples), len(examples))
    return found


def find_near(examples: Examples, told: Told) -> Iterator[Finding]:
    """Rows that say nearly the same as another one, exact copies aside."""
    columns = {name: Texts.of(examples.column(name)) for name in ("prompt", "completion", "messages")}
    exact = copies(examples, columns, np.arange(len(examples)))
    single = examples.without(exact[0].rows if exact else [])
    groups = near_groups(single, told=told)
    sizes = np.bincount(groups, minlength=len(groups))
    rows = single.rows[sizes[groups] > 1].tolist()
    if rows:
        number = int(np.count_nonzero(sizes > 1))
        message = (
            f"{sentence(rows_named(rows))}: {counted(number, 'group')} of rows that say nearly the same. Kept; of each "
            "group one row would do."
        )
        why = (
            "What comes again and again with little change is learned by heart, and counts for more than the rest. A "
            "group is never divided between training and held-out rows, so the score stays honest."
        )
        yield finding("near-duplicate", rows, message, "warning", why=why, mend="drop-near-duplicates")


SCANS = (
    Scan("near-duplicates", ("near-duplicate",), find_near),
    Scan("letters from a wrong encoding", ("likely-mojibake",), find_letters),
    Scan("blanks at the ends", ("padded",), find_padding),
    Scan("markup", ("markup",), find_markup),
    Scan("personal data", ("personal-data",), find_personal),
    Scan("phrases that come again", ("boilerplate-opening", "boilerplate-closing"), find_boilerplate),
    Scan("an assistant's phrases", ("ai-phrase",), find_self),
    Scan("refusals", ("refusal",), find_refusals),
    Scan("languages", ("languages", "mixed-languages"), find_languages),
    Scan("unusual lengths", ("outlier-length",), find_lengths),
    Scan("classes", ("label-spelling", "label-imbalance", "rare-label"), find_imbalance),
    Scan("answers within prompts", ("answer-in-prompt",), find_answer_in_prompt),
    Scan("one answer to many prompts", ("same-answer",), find_same_answer),
    Scan("unfilled variables", ("variables",), find_variables),
    Scan("answers that break off", ("cut-off",), find_cut_off),
)

SCANNED = frozenset(kind for each in SCANS for kind in each.kinds)
"""The kinds of findings that a scan makes."""
