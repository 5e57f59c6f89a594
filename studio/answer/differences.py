"""How the panes' answers differ: word by word, and where the models part ways.

Each pane is compared with the first. In the `done` line of POST /studio/compare/ask this is `differences`, a list:

    {"panes": ["a", "b"],            the first pane, and the one compared with it
     "words": [["both", "The sky is"], ["first", " blue"], ["other", " green"], ["both", "."]],
     "whole": true,                  false: too long to be compared to the ends, so the rest counts as different
     "parting": {                    null where there is no such place; `why_none` then says why
        "after": 3,                  tokens of the answers that are the same before it
        "shared": "The sky is",      their text
        "tokens": [" blue", " green"],   what each pane chose there; "" is the end of its answer, and U+FFFD a token
                                         that holds only the first part of a character
        "p": [[{"p": 0.61, "under": false}, {"p": 0.02, "under": true}],    what the first's model gave each of the two
              [{"p": 0.11, "under": false}, {"p": 0.64, "under": false}]]}, what the other's gave them
     "why_none": ""}

Joined, the stretches of "both" and "first" are the first pane's text to the letter, those of "both" and "other" the
other's. A probability is `null` where it is not known, and an upper bound ("under": true) where the token is not among
the likeliest that were kept: it is then at most that of the least likely of these. Probabilities are the model's own,
before temperature and top-p.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import takewhile
from typing import Any

from studio.answer.wire import Piece
from studio.answer.word_diff import Part, word_diff
from studio.data.tokens.encode import Message

END = ""  # the text of the token that ends an answer
HALF = "\N{REPLACEMENT CHARACTER}"  # what tokens are decoded to that hold a part of a character

OTHERWISE_ASKED = (
    "These panes were asked differently (system prompt, examples or earlier turns), so no place in one answer "
    "is the same place in the other."
)
NO_TOKENS = "At least one of these panes has no tokens to compare."
SAME = "Both chose the same tokens to the end."
CUT = "Both chose the same tokens as far as the shorter answer goes, which was cut."


@dataclass(frozen=True)
class Answer:
    """What a pane was asked, and what it said. `ended`: it came to its end by itself, and was not cut or stopped."""

    asked: Sequence[Message]
    text: str
    pieces: Sequence[Piece]
    ended: bool = True


@dataclass(frozen=True)
class Chance:
    """The probability that a model gave to a token; `under`: it gave it no more than that."""

    p: float
    under: bool = False


@dataclass(frozen=True)
class Parting:
    """The first place at which two answers to the same question have different tokens."""

    after: int
    shared: str
    tokens: tuple[str, str]
    p: tuple[tuple[Chance | None, Chance | None], tuple[Chance | None, Chance | None]]


@dataclass(frozen=True)
class Difference:
    """Two panes side by side; the fields are those of the JSON."""

    panes: tuple[str, str]
    words: list[Part]
    whole: bool
    parting: Parting | None
    why_none: str

    def to_json(self) -> dict[str, Any]:
        """As it goes to the browser."""
        return asdict(self)


def differences(answers: Mapping[str, Answer]) -> list[Difference]:
    """Every other pane against the first, in their order."""
    names = list(answers)
    return [_difference((names[0], name), answers[names[0]], answers[name]) for name in names[1:]]


def _difference(panes: tuple[str, str], first: Answer, other: Answer) -> Difference:
    words = word_diff(first.text, other.text)
    parting, why_none = None, OTHERWISE_ASKED
    if list(first.asked) == list(other.asked):
        parting, why_none = _parting(first, other)
    return Difference(panes, words.parts, words.whole, parting, why_none)


def _parting(first: Answer, other: Answer) -> tuple[Parting | None, str]:
    """Where they part, or why there is no such place."""
    if not first.pieces or not other.pieces:
        return None, NO_TOKENS
    pairs = zip(first.pieces, other.pieces, strict=False)
    after = sum(1 for _ in takewhile(lambda pair: pair[0].text == pair[1].text, pairs))
    here = tuple(each.pieces[after] if after < len(each.pieces) else None for each in (first, other))
    if here == (None, None):
        return None, SAME if first.ended and other.ended else CUT
    if any(piece is None and not each.ended for piece, each in zip(here, (first, other), strict=True)):
        return None, CUT
    ours, theirs = here
    tokens = (_token(first, after), _token(other, after))
    apart = after > 0 and not first.pieces[after - 1].text  # in the midst of a character
    ours_given, theirs_given = (None, None) if apart else (_given(ours, tokens[1]), _given(theirs, tokens[0]))
    shared = "".join(piece.text for piece in first.pieces[:after])
    return Parting(after, shared, tokens, ((_own(ours), ours_given), (theirs_given, _own(theirs)))), ""


def _token(answer: Answer, place: int) -> str:
    """The text of one token, which is not empty unless it is the end."""
    text = answer.pieces[place].text if place < len(answer.pieces) else END
    at_end = answer.ended and place >= len(answer.pieces) - 1
    return text or (END if at_end else HALF)


def _own(piece: Piece | None) -> Chance | None:
    return None if piece is None else Chance(piece.p)


def _given(piece: Piece | None, token: str) -> Chance | None:
    """What the model that chose `piece` gave `token` at that place; None where its text does not tell it apart."""
    if piece is None or not piece.others or HALF in token:
        return None
    named = [p for text, p in piece.others if text == token]
    if named:
        return Chance(max(named))
    likeliest = [p for _, p in piece.others]
    left = max(0.0, 1 - piece.p - sum(likeliest))
    return Chance(min([left, *likeliest]), under=True)
