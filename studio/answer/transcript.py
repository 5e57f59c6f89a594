"""Tokens as text: what a row has said so far, which never shows half a character, and what it might have said."""

from __future__ import annotations

from itertools import accumulate, takewhile
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

HALF = "\N{REPLACEMENT CHARACTER}"  # what a decoder writes for bytes that are no whole character (yet)


class News(NamedTuple):
    """The texts of the tokens since the last look. `anew`: earlier text has changed, so they begin with the first."""

    texts: list[str]
    anew: bool


class Transcript:
    """The tokens of one answer, and the text that each has brought."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self.tokens: list[int] = []
        self._texts: list[str] = []  # of the tokens, as far as they were looked at
        self._told = 0  # tokens
        self._before, self._whole = 0, 0  # tokens up to the last two places where a character was complete

    def add(self, token: int) -> None:
        """The next token."""
        self.tokens.append(token)

    def text(self) -> str:
        """The whole text, without special tokens."""
        return self._decode(0, len(self.tokens))

    def news(self, last: bool = False) -> News:
        """What has come since the last call, up to the last whole character; with `last` everything.

        All texts joined are the text: a token within a character has none, it comes with the one that completes it.
        """
        while len(self._texts) < len(self.tokens):
            self._look()
        end = len(self.tokens) if last else self._whole
        anew = self._correct(end)
        texts = self._texts[0 if anew else self._told : end]
        self._told = end
        return News(texts, anew)

    def _look(self) -> None:
        """Find the text of the next token. A decoder may treat a text's first token differently, so it is shown the
        ones before too."""
        after = len(self._texts) + 1
        known, longer = self._decode(self._before, self._whole), self._decode(self._before, after)
        if len(longer) <= len(known) or longer.endswith(HALF):
            self._texts.append("")
            return
        self._texts.append(longer[len(known) :])
        self._before, self._whole = self._whole, after

    def _correct(self, end: int) -> bool:
        """Have the texts be that of all tokens up to `end`; says whether one that was told has changed."""
        text, joined = self._decode(0, end), "".join(self._texts[:end])
        if text == joined:
            return False
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(text, joined, strict=False)))
        ends = accumulate(map(len, self._texts[:end]))
        right = min(sum(1 for _ in takewhile(lambda place: place <= same, ends)), end - 1)
        right = min(right, self._whole) if text.startswith(joined) else right
        kept = sum(map(len, self._texts[:right]))
        self._texts[right:end] = [text[kept:], *[""] * (end - right - 1)]
        return right < self._told

    def _decode(self, first: int, after: int) -> str:
        return str(self._tokenizer.decode(self.tokens[first:after], skip_special_tokens=True))


class Words:
    """The texts of single tokens. A special one, such as the end of an answer, has none."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._before = list(tokenizer("a", add_special_tokens=False)["input_ids"])[-1:]
        self._known: dict[tuple[int, bool], str] = {}

    def text(self, token: int, first: bool) -> str:
        """What it would show as an answer's `first` token, whose space some decoders drop, or as a later one."""
        key = (token, first)
        if key not in self._known:
            before = [] if first else self._before
            self._known[key] = self._decode([*before, token])[len(self._decode(before)) :]
        return self._known[key]

    def _decode(self, tokens: list[int]) -> str:
        return str(self._tokenizer.decode(tokens, skip_special_tokens=True))
