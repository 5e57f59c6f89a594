"""What a single cell looks like, seen from outside. A cheap screen names the cells that get an exact look."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from studio.data.checks.invisible import CONTROLS, UNSEEN, without_unseen
from studio.data.checks.screens import Texts, united
from studio.data.example import Examples
from studio.data.findings import Finding, finding
from studio.data.wording import rows_named, sentence

VERY_LONG = 20_000
"""Characters, some 5,000 tokens: longer than the longest row that most recipes train on."""

PLACEHOLDERS = frozenset({"nan", "null", "none", "n/a", "na", "#n/a", "undefined", "<na>", "nat", "nil"})

# UTF-8 that was read as Windows-1252: a lead byte's letter, then what its following byte became.
_FOLLOWING = re.escape(bytes(set(range(0x80, 0xC0)) - {0x81, 0x8D, 0x8F, 0x90, 0x9D}).decode("cp1252"))
MOJIBAKE = re.compile(
    f"[ÂÃÐÑ][\x80-\x9f{_FOLLOWING}]|â[€‚„†ˆ]|ðŸ|ï»¿|ï¿½|(?:[äåæçèé][\x80-\x9f{_FOLLOWING}]{{2}}){{2}}"
)
_MAYBE_MOJIBAKE = "[ÂÃÐÑâðïäåæçèé][^\\x00-\\x7f]"
_ESCAPED_CONTROL = r"\\(?:u00[01]|b|f)"


@dataclass(frozen=True)
class Look:
    """One thing a cell may show: `places` names the texts of a column that do."""

    kind: str
    places: Callable[[Texts], np.ndarray]
    what: str
    why: str
    mend: str = "drop"


Noticed = list[tuple[Look, np.ndarray]]
"""Each look with the places of the examples that it names."""


def look_at(examples: Examples, columns: dict[str, Texts]) -> Noticed:
    """What is seen in the cells of all examples."""
    noticed: Noticed = []
    for look in LOOKS:
        found = [look.places(texts) for texts in columns.values()]
        if look.kind == "control-characters" and "messages" in columns:
            found.append(_escaped(columns["messages"]))
        noticed.append((look, united(len(examples), *found)))
    return noticed


def looks(noticed: Noticed, examples: Examples, among: np.ndarray) -> Iterator[Finding]:
    """What there is to say of the examples at these places."""
    counts = np.zeros(len(examples), bool)
    counts[among] = True
    for look, places in noticed:
        rows = examples.rows[places[counts[places]]].tolist()
        if rows:
            message = f"{sentence(rows_named(rows))}: {look.what}"
            yield finding(look.kind, rows, message, "warning", why=look.why, mend=look.mend)


def _very_long(texts: Texts) -> np.ndarray:
    return texts.those(np.flatnonzero(texts.sizes > VERY_LONG), lambda text: len(text) > VERY_LONG)


def _replaced(texts: Texts) -> np.ndarray:
    return texts.matching("\ufffd", texts.beyond_ascii)


def _mojibake(texts: Texts) -> np.ndarray:
    return texts.those(texts.matching(_MAYBE_MOJIBAKE, texts.beyond_ascii), MOJIBAKE.search)


def _controls(texts: Texts) -> np.ndarray:
    low = texts.places_of(lambda block: (block < 0x20) | (block == 0x7F), lambda found: ~np.isin(found, (9, 10, 13)))
    return united(len(texts), low, texts.matching("[\\x{80}-\\x{9f}]", texts.beyond_ascii))


def _unseen(texts: Texts) -> np.ndarray:
    return texts.those(texts.matching(UNSEEN, texts.beyond_ascii), _hides)


def _hides(text: str) -> bool:
    without_controls = CONTROLS.sub("", text)
    return without_unseen(without_controls) != without_controls


def _placeholders(texts: Texts) -> np.ndarray:
    short = np.flatnonzero(texts.sizes < 12)
    cells = texts.cells.take(pa.array(short, pa.int64()))
    plain = pc.utf8_lower(pc.utf8_trim_whitespace(cells))
    alike = pc.is_in(plain, value_set=pa.array(sorted(PLACEHOLDERS), pa.large_string()))
    return short[alike.to_numpy(zero_copy_only=False)]


def _escaped(messages: Texts) -> np.ndarray:
    """Places of the conversations with a control character, which JSON writes as an escape."""
    return messages.those(
        messages.matching(_ESCAPED_CONTROL),
        lambda text: any(CONTROLS.search(str(message.get("content") or "")) for message in json.loads(text)),
    )


LOOKS = (
    Look(
        "very-long",
        _very_long,
        f"over {VERY_LONG:,} characters. Kept, and cut where the recipe's longest row ends.",
        "What lies beyond the longest row is not learned from, and a row that is cut ends in the middle of its answer.",
    ),
    Look(
        "replacement-character",
        _replaced,
        "the replacement character \ufffd stands where a letter was lost. Kept: save the file again from its source, "
        "as UTF-8.",
        "The letter cannot be guessed back, and the model learns to write the mark itself.",
    ),
    Look(
        "mojibake",
        _mojibake,
        "letters such as Ã© or â€™, which come from reading UTF-8 as something else. Kept, and learnt as they are: "
        "save the file again from its source, as UTF-8.",
        "The model learns to write these letters too, in the midst of good words.",
        "fix-mojibake",
    ),
    Look(
        "control-characters",
        _controls,
        "control characters that nobody sees. Kept, and learnt as they are.",
        "They came from a terminal or a printer, mean nothing in a text, and still cost tokens that the model learns.",
        "remove-controls",
    ),
    Look(
        "invisible-characters",
        _unseen,
        "characters of no width, such as zero-width spaces or hidden tags. Kept, and learnt as they are.",
        "Two words that look alike are different to the model when one hides such a mark, and whole instructions can "
        "be hidden in them.",
        "remove-controls",
    ),
    Look(
        "placeholder",
        _placeholders,
        "a cell that is nothing but nan, null, none or n/a. Kept as that word: empty it if nothing was meant.",
        "It mostly stands for a missing value, and the model would learn the word as an answer.",
    ),
)
