"""Examples that say the same thing twice, and those that answer one prompt in different ways."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from studio.data.checks.screens import Texts, repeated, united
from studio.data.example import Examples, plain
from studio.data.findings import Finding, finding
from studio.data.wording import counted, rows_named, sentence

_SPACES = np.array([0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x1C, 0x1D, 0x1E, 0x1F], np.uint8)
_TURN = np.uint64(1_000_003)


def copies(examples: Examples, columns: dict[str, Texts], among: np.ndarray) -> list[Finding]:
    """The later copies of the examples at these places: equal in every column given."""
    keys = np.zeros(len(examples), np.uint64)
    for texts in columns.values():
        keys = keys * _TURN + texts.keys
    seen: set[tuple[str, ...]] = set()
    places: list[int] = []
    candidates = among[repeated(keys[among])]
    for place, texts_of_row in zip(candidates.tolist(), _rows(columns, candidates), strict=True):
        if texts_of_row in seen:
            places.append(place)
        seen.add(texts_of_row)
    if not places:
        return []
    rows = examples.rows[places].tolist()
    what = "the text is" if examples.type == "language modeling" else "prompt and completion are"
    message = (
        f"{sentence(rows_named(rows))}: {what} the same as in an earlier row. The first one is kept, the copies are "
        "left out, since what is seen twice is learnt by heart."
    )
    why = (
        "A row that comes twice counts twice: the model leans towards it and repeats it word for word. Held out and "
        "trained on at once, it also makes a score look better than it is."
    )
    return [finding("duplicate", rows, message, "warning", left_out=True, why=why, mend="drop")]


def contradictions(examples: Examples, columns: dict[str, Texts], among: np.ndarray) -> list[Finding]:
    """Prompts, case and spacing aside, that have more than one completion among these places."""
    chosen = examples.take(among)
    groups: dict[str, list[tuple[int, str]]] = {}
    for example in chosen.take(repeated(_prompt_keys(columns["prompt"])[among])):
        if example.prompt or example.messages:
            groups.setdefault(example.same_prompt, []).append((example.row, example.completion.strip()))
    several = [group for group in groups.values() if len({completion for _, completion in group}) > 1]
    if not several:
        return []
    rows = sorted(row for group in several for row, _ in group)
    first = rows_named([row for row, _ in several[0]])
    message = (
        f"{sentence(rows_named(rows))}: {counted(len(several), 'prompt')} with different completions, the first in "
        f"{first}. Kept: the model learns a mixture, which is right for variety and wrong for facts."
    )
    why = (
        "Asked the same and answered differently, the model cannot know which answer is meant. For stories or chat "
        "that is variety; for facts and labels it is noise, and one of the rows is wrong."
    )
    return [finding("contradiction", rows, message, "warning", why=why, mend="drop")]


def swapped(examples: Examples, columns: dict[str, Texts], among: np.ndarray) -> list[Finding]:
    """Preferences that another one of these places turns round: the same two answers, the other one preferred."""
    if "rejected" not in columns:
        return []
    better, worse = columns["completion"].keys, columns["rejected"].keys
    groups: dict[tuple[str, str, str], list[tuple[int, bool]]] = {}
    for example in examples.take(among).take(repeated((better + worse)[among])):
        turned = example.completion > example.rejected
        answers = sorted((example.completion, example.rejected))
        groups.setdefault((example.same_prompt, *answers), []).append((example.row, turned))  # type: ignore[arg-type]
    rows = sorted(row for group in groups.values() if len({turned for _, turned in group}) > 1 for row, _ in group)
    if not rows:
        return []
    message = (
        f"{sentence(rows_named(rows))}: the same two answers to the same prompt, once the one preferred and once the "
        "other. Kept: drop the wrong ones."
    )
    why = "Two opposite preferences cancel each other out, so that these rows teach nothing."
    return [finding("swapped", rows, message, "warning", why=why, mend="drop")]


def _rows(columns: dict[str, Texts], places: np.ndarray) -> Iterable[tuple[str, ...]]:
    """The texts of each of these places, all columns together."""
    texts = ((text for _, text in each.some(places)) for each in columns.values())
    return zip(*texts, strict=True)


def _prompt_keys(texts: Texts) -> np.ndarray:
    """A number for each prompt that is equal for prompts that differ in nothing but case and spacing.

    Most prompts have single blanks only and no letter beyond ASCII: their bytes do as they are.
    """
    keys = texts.keys.copy()
    first, last = texts.ends()
    odd = [
        np.flatnonzero((first == 0x20) | (last == 0x20)),
        texts.beyond_ascii,
        texts.places_of(lambda block: block < 0x20, lambda found: np.isin(found, _SPACES)),
        texts.places_of(lambda block: (block[:-1] == 0x20) & (block[1:] == 0x20)),
    ]
    places = united(len(texts), *odd)
    if len(places):
        keys[places] = Texts.of([plain(text) for _, text in texts.some(places)]).keys
    return keys
