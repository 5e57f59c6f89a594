"""Where a text may be cut without tearing a sentence or a paragraph."""

from __future__ import annotations

import re
from itertools import accumulate, pairwise
from typing import Literal, Protocol

Unit = Literal["sentence", "paragraph"]


class Segmenter(Protocol):
    """What cuts a text into its sentences."""

    def segment(self, text: str) -> list[str]: ...


_PARAGRAPH = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
# The end of a sentence in most scripts: its mark, closing quotes or brackets, then a blank; CJK marks need no blank.
_SENTENCE = re.compile(r"(?:[.!?…؟۔।॥։።][\"'”’»)\]]*(?=\s)|[。！？｡][”’」』）]*)\s*|\n+")

MOST_CHARACTERS = 3_000_000
"""With more than these altogether, sentences are told by their marks alone: the careful rules would take minutes."""

LANGUAGE_CHARACTERS = 2_000


def ends(text: str, unit: Unit, careful: bool = True) -> list[int]:
    """The places right after each sentence or paragraph and the blanks behind it, the text's own end not included.

    Careful: by the rules of the text's language, where there are some, which know abbreviations.
    """
    found = [match.end() for match in _PARAGRAPH.finditer(text)]
    if unit == "sentence":
        found = _sentence_ends(text, [0, *found, len(text)], careful)
    return [end for end in found if 0 < end < len(text)]


def _sentence_ends(text: str, edges: list[int], careful: bool) -> list[int]:
    rules = _rules(text) if careful else None
    found: list[int] = []
    for start, end in pairwise(edges):
        if start < end:
            found.extend(start + place for place in _of_paragraph(text[start:end], rules))
            found.append(end)
    return found


def _of_paragraph(text: str, rules: Segmenter | None) -> list[int]:
    if rules is not None:
        parts = rules.segment(text)
        if "".join(parts) == text:  # it loses blanks at times; then its places would be wrong
            return list(accumulate(map(len, parts)))
    return [match.end() for match in _SENTENCE.finditer(text)]


def _rules(text: str) -> Segmenter | None:
    """The rules of the text's language, where there are some."""
    import py3langid
    import pysbd
    from pysbd.languages import LANGUAGE_CODES

    code = str(py3langid.classify(text[:LANGUAGE_CHARACTERS])[0])
    return pysbd.Segmenter(language=code, clean=False) if code in LANGUAGE_CODES else None
