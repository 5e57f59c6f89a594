"""What is odd about answers when they are seen beside their prompts and beside each other."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pyarrow.compute as pc

from studio.data.checks.classes import class_field
from studio.data.checks.markup import outside_code
from studio.data.checks.screens import Texts
from studio.data.checks.sweep import Told, stretches, sweep
from studio.data.example import Examples
from studio.data.findings import Finding, finding
from studio.data.wording import quoted, rows_named, sentence

LONG_ANSWER = 20
"""Characters from which on it is no chance that an answer is also in its prompt."""

SAME_SHARE, SAME_ROWS = 0.3, 20
WHOLE_SHARE, WHOLE_ROWS = 0.8, 50

_MAYBE_VARIABLE = r"\{\{|\$\{|<<[A-Z]|\[(?i:insert|your|name|company|placeholder)"
_VARIABLE = re.compile(
    r"\{\{\s*[A-Za-z_][\w .-]{0,40}?\s*\}\}|\$\{[A-Za-z_]\w{0,40}\}|<<[A-Z][A-Z_ ]{2,40}>>"
    r"|\[(?:insert|your|placeholder)\b[^\[\]\n]{0,40}\]|\[(?:name|company(?: name)?)\]",
    re.I,
)
_ENDS_OPEN = re.compile(r"[\w,\-–—(]\s*\Z")


def find_answer_in_prompt(examples: Examples, told: Told) -> Iterator[Finding]:
    """Rows whose prompt holds the answer word for word."""
    if examples.type == "language modeling":
        return
    places = []
    for start, (prompts, completions) in stretches(examples, ["prompt", "completion"], told):
        room = np.flatnonzero((completions.sizes >= LONG_ANSWER) & (completions.sizes <= prompts.sizes))
        pairs = zip(prompts.some(room), completions.some(room), strict=True)
        places += [
            start + place
            for (place, prompt), (_, completion) in pairs
            if len(completion.strip()) >= LONG_ANSWER and completion.strip() in prompt
        ]
    if places:
        rows = examples.rows[places].tolist()
        message = (
            f"{sentence(rows_named(rows))}: the answer stands word for word in the prompt. Kept: right where answers "
            "are to be quoted from a text."
        )
        why = "The model learns to copy from the prompt, and is lost where the answer is not in it."
        yield finding("answer-in-prompt", rows, message, "note", why=why, mend="drop")


def find_same_answer(examples: Examples, told: Told) -> Iterator[Finding]:
    """One long answer that nearly a third of the prompts get."""
    if class_field(examples) == "completion" or len(examples) < SAME_ROWS or examples.type == "language modeling":
        return
    column = examples.column("completion")
    counts = column.value_counts()
    most = int(np.argmax(counts.field("counts").to_numpy()))
    told(len(examples))
    if counts.field("counts")[most].as_py() <= SAME_SHARE * len(examples):
        return
    answer = counts.field("values")[most]
    rows = examples.rows[pc.equal(column, answer).to_numpy()].tolist()
    message = (
        f"{len(rows):,} prompts, {len(rows) / len(examples):.0%}, have one and the same answer, "
        f"{quoted(answer.as_py())}. Kept."
    )
    why = "An answer that is so often right is learned as the answer to everything."
    yield finding("same-answer", rows, message, "warning", why=why, mend="drop")


def find_variables(examples: Examples, told: Told) -> Iterator[Finding]:
    """Rows in which a template's variables were left, code aside."""
    names: set[str] = set()

    def test(text: str) -> bool:
        found: list[str] = []
        outside_code(text, lambda part: found.extend(_VARIABLE.findall(part)) or part)  # type: ignore[func-returns-value]
        names.update(found)
        return bool(found)

    places = sweep(examples, test, told, _MAYBE_VARIABLE)
    if len(places):
        rows = examples.rows[places].tolist()
        message = (
            f"{sentence(rows_named(rows))}: variables of a template such as {quoted(min(names), 40)}, which nobody "
            "filled in. Kept: put your own words in their place, with Replace."
        )
        why = "The model learns the variable itself and will answer with it."
        yield finding("variables", rows, message, "warning", why=why)


def find_cut_off(examples: Examples, told: Told) -> Iterator[Finding]:
    """Answers that end in the middle of a sentence where most do not."""
    if len(examples) < WHOLE_ROWS or class_field(examples) == "completion":
        return
    open_places, long_rows = [], 0
    for start, (texts,) in stretches(examples, ["completion"], told):
        long = np.flatnonzero(texts.sizes >= LONG_ANSWER)
        long_rows += len(long)
        open_places += (start + texts.those(long[_may_be_open(texts)[long]], _ENDS_OPEN.search)).tolist()
    if open_places and long_rows >= WHOLE_ROWS and len(open_places) <= (1 - WHOLE_SHARE) * long_rows:
        rows = examples.rows[open_places].tolist()
        message = f"{sentence(rows_named(rows))}: the answer seems to end in the middle of a sentence. Kept."
        why = "Texts that were cut off teach the model to stop too early, or not to stop at all."
        yield finding("cut-off", rows, message, "note", why=why, mend="drop")


def _may_be_open(texts: Texts) -> np.ndarray:
    """Which texts end in a letter, a digit, a comma, or in something beyond ASCII, bool."""
    _, last = texts.ends()
    closed = np.zeros(256, bool)
    closed[list(b".!?\"')]}>`:*|/$%")] = True
    return ~closed[last]
