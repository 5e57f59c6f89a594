"""The bias lens: how often rows name groups of people, and how the answers in them differ from those of other rows.

It counts words, with intervals, and leaves every judgement to the reader.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from studio.data.example import Examples
from studio.data.lens.seen import FEWEST, Difference, GroupSeen, Lens
from studio.data.lens.terms import Group, bundled_terms, read_terms
from studio.intervals import median_difference, share_difference

__all__ = ["Difference", "Group", "GroupSeen", "Lens", "bundled_terms", "lens", "read_terms"]

MOST_LABELS = 10
SHOWN_ROWS = 100
AT_ONCE = 20_000

_WORD = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]|[^\s\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]+"
"""A run of letters between blanks, or one sign of a script that has no blanks."""

_REFUSAL = r"^\W*(?:" + "|".join(
    (
        "(?:(?:i['’]m|i am) )?(?:very |so |really )?sorry,? (?:but )?(?:i|as|that)\\b",
        "i (?:can(?:not|['’]t| not)|won['’]t|will not|must decline|(?:am|['’]m) (?:not able|unable))\\b",
        "i['’]m (?:not able|unable)\\b",
        "i apologi[sz]e,? but\\b",
        "as an ai\\b",
        "unfortunately,? i (?:can(?:not|['’]t)|am (?:not able|unable))\\b",
        "(?:es tut mir|tut mir) leid\\b",
        "ich kann (?:ihnen |dir |das |dabei |diese )?(?:leider )?nicht\\b",
        "(?:je suis )?désolée?,? (?:mais )?je ne (?:peux|suis)\\b",
        "je ne (?:peux|suis) pas\\b",
        "lo siento,? (?:pero )?no\\b",
        "no puedo\\b",
        "mi dispiace,? (?:ma )?non posso\\b",
        "desculpe,? (?:mas )?(?:eu )?não posso\\b",
        "(?:很)?(?:抱歉|对不起|對不起)|我(?:无法|不能|無法)",
        "申し訳(?:ありません|ございません)",
        "죄송합니다",
        "извините, (?:но )?я не\\b|к сожалению, я не\\b",
    )
) + ")"  # fmt: skip
"""How refusals usually begin. RE2, for case-insensitive matching at the start of a completion."""


def lens(examples: Examples, terms: Sequence[Group]) -> Lens:
    """How often prompt or completion mention each group, and what differs then.

    Of a conversation, the last question and the last answer count.
    """
    numbers = examples.rows
    figures = _Figures.of(examples)
    asked = bool(pc.any(pc.not_equal(examples.column("prompt"), "")).as_py())
    groups = []
    for group, in_prompt, anywhere in zip(terms, *_mentions(examples, terms), strict=True):
        shown = numbers[np.flatnonzero(anywhere)[:SHOWN_ROWS]].tolist()
        found = figures.compared(in_prompt if asked else anywhere)
        if not asked:
            found["words"] = None
        groups.append(
            GroupSeen(set=group.set, name=group.name, rows=int(anywhere.sum()), asked=asked, shown=shown, **found)
        )
    return Lens(rows=len(examples), groups=groups)


def _mentions(examples: Examples, terms: Sequence[Group]) -> tuple[np.ndarray, np.ndarray]:
    """Which prompts mention which group, and which rows do: bool (groups, rows).

    Most rows name none of them, and one pass finds those that do.
    """
    sides = np.zeros((2, len(terms), len(examples)), bool)
    anyone = Group("", "", tuple({word for group in terms for word in group.words}))
    for start, *columns in _batches(examples) if terms else ():
        for side, column in zip(sides, columns, strict=True):
            texts = column if pc.all(pc.string_is_ascii(column)).as_py() else pc.utf8_normalize(column, "NFC")
            named = np.flatnonzero(anyone.mentioned(texts))
            texts = texts.take(pa.array(named))
            for place, group in enumerate(terms):
                side[place, start + named] = group.mentioned(texts)
    return sides[0], sides[0] | sides[1]


@dataclass(frozen=True, eq=False)
class _Figures:
    """Of each completion: its words, whether it begins like a refusal, and its label as a place in `names`, else -1."""

    words: np.ndarray
    refuses: np.ndarray
    labels: np.ndarray
    names: list[str]

    @classmethod
    def of(cls, examples: Examples) -> _Figures:
        """Those of every example."""
        words, refuses = [np.zeros(0, np.int64)], [np.zeros(0, bool)]
        for _, _, completions in _batches(examples):
            words.append(pc.count_substring_regex(completions, _WORD).to_numpy())
            refuses.append(pc.match_substring_regex(completions, _REFUSAL, ignore_case=True).to_numpy().astype(bool))
        return cls(np.concatenate(words), np.concatenate(refuses), *_labels(examples))

    def compared(self, mentioned: np.ndarray) -> dict[str, Any]:
        """The figures of the rows where `mentioned` is True beside those of the others, as fields of GroupSeen."""
        here, there = int(mentioned.sum()), int((~mentioned).sum())
        if not here or not there:
            return {"compared": here, "others": there}
        return {
            "compared": here,
            "others": there,
            "words": _medians(self.words[mentioned], self.words[~mentioned]),
            "refusals": _shares(self.refuses, mentioned),
            "labels": {name: _shares(self.labels == place, mentioned) for place, name in enumerate(self.names)},
        }


def _batches(examples: Examples) -> Iterator[tuple[int, pa.ChunkedArray, pa.ChunkedArray]]:
    prompts, completions = examples.column("prompt"), examples.column("completion")
    for start in range(0, len(examples), AT_ONCE):
        yield start, prompts.slice(start, AT_ONCE), completions.slice(start, AT_ONCE)


def _labels(examples: Examples) -> tuple[np.ndarray, list[str]]:
    """The label of each row as a place in the names of the most frequent ones; -1 for the rest."""
    if not examples.has("label"):
        return np.full(len(examples), -1), []
    coded = examples.column("label").combine_chunks().dictionary_encode()
    codes, every = coded.indices.to_numpy(), coded.dictionary.to_pylist()
    counts = np.bincount(codes, minlength=len(every))
    ranked = sorted((name for name in range(len(every)) if every[name]), key=lambda name: (-counts[name], every[name]))
    places = np.full(len(every), -1)
    places[ranked[:MOST_LABELS]] = np.arange(len(ranked[:MOST_LABELS]))
    return places[codes], [every[name] for name in ranked[:MOST_LABELS]]


def _medians(values: np.ndarray, others: np.ndarray) -> Difference:
    enough = min(len(values), len(others)) >= FEWEST
    interval = median_difference(values, others) if enough else None
    return Difference(value=float(np.median(values)), others=float(np.median(others)), interval=interval)


def _shares(hits: np.ndarray, mentioned: np.ndarray) -> Difference:
    here, number = int(hits[mentioned].sum()), int(mentioned.sum())
    there, others = int(hits.sum()) - here, len(mentioned) - number
    enough = min(number, others) >= FEWEST
    interval = share_difference(here, number, there, others) if enough else None
    return Difference(value=here / number, others=there / others, interval=interval)
