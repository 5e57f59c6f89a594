"""What a row has said so far, token by token, as text that never shows half a character."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

HALF = "\N{REPLACEMENT CHARACTER}"  # what a decoder writes for bytes that are no whole character (yet)


class Transcript:
    """The tokens of one answer. All are decoded at each look, so that the text is exact whatever the decoder."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self.tokens: list[int] = []

    def add(self, token: int) -> None:
        """The next token."""
        self.tokens.append(token)

    def so_far(self) -> str:
        """The text up to the last whole character."""
        return self.text().rstrip(HALF)

    def text(self) -> str:
        """The whole text, without special tokens."""
        return str(self._tokenizer.decode(self.tokens, skip_special_tokens=True))
