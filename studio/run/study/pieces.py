"""Tokens as the stretches of text that they stand for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Span = tuple[int, int]


@dataclass(frozen=True)
class Piece:
    """A token's text, from which to which character of the whole it goes, and whether it is a sign of the tokenizer's.

    A token that the tokenizer put there itself has no characters: `start` and `end` are equal.
    """

    text: str
    start: int
    end: int
    special: bool

    def within(self, spans: Sequence[Span]) -> bool:
        """Whether any of its characters is in one of the spans."""
        return any(start < self.end and self.start < end for start, end in spans)


def pieces(tokenizer: PreTrainedTokenizerBase, text: str, ids: Sequence[int], adds: bool) -> list[Piece]:
    """The tokens of `text`, whose ids are known. Their texts together are the text, and where the tokenizer `adds`
    tokens of its own, those where they stand.

    Of a character that is made of several tokens the first one has it, and the others are empty.
    """
    special = set(tokenizer.all_special_ids) | {
        number for number, token in tokenizer.added_tokens_decoder.items() if token.special
    }
    if tokenizer.is_fast:
        encoding = tokenizer(text, add_special_tokens=adds, return_offsets_mapping=True)
        if list(encoding["input_ids"]) == list(ids):
            return list(_by_offsets(tokenizer, text, ids, encoding["offset_mapping"], special))
    return list(_one_by_one(tokenizer, ids, special))


def _by_offsets(
    tokenizer: PreTrainedTokenizerBase, text: str, ids: Sequence[int], offsets: Sequence[Span], special: set[int]
) -> Iterator[Piece]:
    """What lies between two tokens, such as a blank that was normalised away, belongs to the later one."""
    done, last = 0, len(ids) - 1
    for place, (number, (start, end)) in enumerate(zip(ids, offsets, strict=True)):
        if start == end and number in special:
            yield Piece(str(tokenizer.convert_ids_to_tokens(number)), done, done, True)
            continue
        until = len(text) if place == last else max(done, end)
        yield Piece(text[done:until], min(start, done), until, number in special)
        done = until


def _one_by_one(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int], special: set[int]) -> Iterator[Piece]:
    """For a tokenizer that cannot say where its tokens come from."""
    done = 0
    for number in ids:
        text = str(tokenizer.decode([number], clean_up_tokenization_spaces=False))
        yield Piece(text, done, done + len(text), number in special)
        done += len(text)
