"""What two texts share and where they differ, word by word. Joined again, the parts are the texts to the letter."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import Match, SequenceMatcher
from itertools import accumulate, chain, groupby, takewhile
from typing import Literal

Side = Literal["both", "first", "other"]
Part = tuple[Side, str]
"""A stretch of text, and which of the two texts it is in."""

_Word = tuple[str, str]  # the space before it, and itself

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_LETTER = rf"(?:(?![{_UNSPACED}])\w)"
_WORD = re.compile(rf"(\s*)([{_UNSPACED}]|{_LETTER}+(?:['’-]{_LETTER}+)*|[^\w\s])|(\s+)")
"""A word with its apostrophes and hyphens, a punctuation mark, or a character of a script without spaces."""

LONGEST = 200_000  # characters of a text that are looked at; an answer of 8,192 tokens has about 40,000
MOST_PAIRS = 1_000_000  # places where a word of one text is also in the other, of which difflib looks at each
MOST_LOOKS = 8_000_000  # of these places, over all its looks for what is longest: some tenths of a second


@dataclass(frozen=True)
class WordDiff:
    """`parts` in reading order: where the texts differ, what the first says comes before what the other says.

    `whole` is false where the texts were too long to be compared to their ends: the rest counts as different.
    """

    parts: list[Part]
    whole: bool = True


def word_diff(first: str, other: str) -> WordDiff:
    """Compare two texts by their words and the spaces between them, with difflib, for which no word is junk."""
    fits = max(len(first), len(other)) <= LONGEST
    ours, theirs = _words(first[:LONGEST]), _words(other[:LONGEST])
    start = _shared(ours, theirs)
    ours, theirs, begin = ours[start:], theirs[start:], ours[:start]
    end = _shared(ours[::-1], theirs[::-1]) if fits else 0
    ours, theirs, finish = ours[: len(ours) - end], theirs[: len(theirs) - end], ours[len(ours) - end :]
    most = _affordable(ours, theirs)
    matcher = _Matcher(ours[:most], theirs[:most])
    middle = chain(_compared(matcher, ours, theirs), _differing(ours[most:], theirs[most:]))
    tails: list[Part] = [("first", first[LONGEST:]), ("other", other[LONGEST:])]
    parts = [("both", _text(begin)), *middle, ("both", _text(finish)), *tails]
    return WordDiff(_merged(parts), fits and matcher.whole and most >= max(len(ours), len(theirs)))


def _words(text: str) -> list[_Word]:
    return [(space or last, word) for space, word, last in _WORD.findall(text)]


def _text(words: Sequence[_Word]) -> str:
    return "".join(chain.from_iterable(words))


def _shared(ours: Sequence[_Word], theirs: Sequence[_Word]) -> int:
    """How many words both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(ours, theirs, strict=False)))


def _affordable(ours: Sequence[_Word], theirs: Sequence[_Word]) -> int:
    """How many words of each can be compared in some tenths of a second."""
    most = max(len(ours), len(theirs))
    while most > 1:
        there = Counter(word for _, word in theirs[:most])
        if sum(there[word] for _, word in ours[:most]) <= MOST_PAIRS:
            break
        most //= 2
    return most


class _Matcher(SequenceMatcher[str]):
    """difflib's, which gives up when it has looked for long: texts that loop make it look at all places again and
    again."""

    def __init__(self, ours: Sequence[_Word], theirs: Sequence[_Word]) -> None:
        super().__init__(None, [word for _, word in ours], [word for _, word in theirs], autojunk=False)
        there = Counter(word for _, word in theirs)
        self._looks = list(accumulate((there[word] for _, word in ours), initial=0))
        self._left = MOST_LOOKS

    @property
    def whole(self) -> bool:
        """Whether it did not give up."""
        return self._left > 0

    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> Match:
        self._left -= self._looks[-1 if ahi is None else ahi] - self._looks[alo]
        return super().find_longest_match(alo, ahi, blo, bhi) if self.whole else Match(alo, blo, 0)


def _compared(matcher: _Matcher, ours: Sequence[_Word], theirs: Sequence[_Word]) -> list[Part]:
    parts: list[Part] = []
    for kind, i, i_end, j, j_end in matcher.get_opcodes():
        if kind == "equal":
            parts.extend(chain.from_iterable(map(_same_word, ours[i:i_end], theirs[j:j_end])))
        else:
            parts.extend(_differing(ours[i:i_end], theirs[j:j_end]))
    return parts


def _same_word(our: _Word, their: _Word) -> list[Part]:
    """One word of both, which may stand behind different spaces."""
    if our == their:
        return [("both", "".join(our))]
    return [("first", our[0]), ("other", their[0]), ("both", our[1])]


def _differing(ours: Sequence[_Word], theirs: Sequence[_Word]) -> list[Part]:
    return [("first", _text(ours)), ("other", _text(theirs))]


def _merged(parts: Sequence[Part]) -> list[Part]:
    """Without empty parts; those of one side that follow one another are one."""
    merged: list[Part] = []
    for shared, stretch in groupby((part for part in parts if part[1]), lambda part: part[0] == "both"):
        members = list(stretch)
        sides: tuple[Side, ...] = ("both",) if shared else ("first", "other")
        texts = [(side, "".join(text for at, text in members if at == side)) for side in sides]
        merged.extend((side, text) for side, text in texts if text)
    return merged
