"""Blanks and line ends at the ends of cells: nobody sees them, the model learns them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from studio.data.checks.screens import Texts, united
from studio.data.checks.sweep import Told, stretches
from studio.data.example import Examples
from studio.data.findings import Finding, finding
from studio.data.wording import rows_named, sentence


def find_padding(examples: Examples, told: Told) -> Iterator[Finding]:
    """Rows with blanks before or behind what is said."""
    fields = [name for name in ("prompt", "completion", "rejected") if examples.has(name)]
    places = [np.zeros(0, np.int64)]
    for start, texts in stretches(examples, fields, told):
        places += [start + _padded(each) for each in texts]
    rows = examples.rows[united(len(examples), *places)].tolist()
    if rows:
        message = f"{sentence(rows_named(rows))}: blanks or line ends before or behind the text. Kept."
        why = "A blank changes the tokens around it: asked without it, the model sees something it was not trained on."
        yield finding("padded", rows, message, "note", why=why, mend="trim-spaces")


def _padded(texts: Texts) -> np.ndarray:
    first, last = texts.ends()
    maybe = np.flatnonzero((first <= 0x20) | (last <= 0x20) | (first >= 0x80) | (last >= 0x80))
    return texts.those(maybe, lambda text: text.strip() not in ("", text))
