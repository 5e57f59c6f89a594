"""Texts as token ids, and which tokens a span of characters makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from studio.data.tokens.turns import Rendered

if TYPE_CHECKING:
    from transformers import BatchEncoding, PreTrainedTokenizerBase

Ids = list[list[int]]


def token_ids(tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> Ids:
    """The ids of rendered texts, which hold their special tokens already."""
    return list(_encoding(tokenizer, texts, False)["input_ids"]) if texts else []


def text_ids(tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> Ids:
    """The ids of plain texts, each with the tokenizer's beginning, if it has one, and the end token."""
    end = str(tokenizer.eos_token)
    ended = [text if text.endswith(end) else text + end for text in texts]
    return list(_encoding(tokenizer, ended, True)["input_ids"]) if texts else []


class Piece(Protocol):
    """A part of a document."""

    @property
    def text(self) -> str: ...
    @property
    def starts(self) -> bool: ...
    @property
    def ends(self) -> bool: ...


def piece_ids(
    tokenizer: PreTrainedTokenizerBase, pieces: Sequence[Piece], places: Sequence[Sequence[int]]
) -> list[tuple[list[int], list[int]]]:
    """For each piece its ids, as in `text_ids` at a document's start and end, and where its `places` are among them."""
    end = str(tokenizer.eos_token)
    found: list[tuple[list[int], list[int]]] = [([], [])] * len(pieces)
    for starts in (True, False):
        chosen = [i for i, piece in enumerate(pieces) if piece.starts == starts]
        if not chosen:
            continue
        texts = [pieces[i].text + (end if pieces[i].ends and not pieces[i].text.endswith(end) else "") for i in chosen]
        encoding = _encoding(tokenizer, texts, starts)
        for row, i in enumerate(chosen):
            inner = [encoding.char_to_token(row, place) for place in places[i]] if encoding.is_fast else []
            found[i] = (list(encoding["input_ids"][row]), [place for place in inner if place])
    return found


def tokens_of(tokenizer: PreTrainedTokenizerBase, found: Sequence[Rendered]) -> tuple[Ids, np.ndarray]:
    """The ids of conversations, and for each id of all of them whether it is learned from."""
    if not found:
        return [], np.zeros(0, bool)
    encoding = _encoding(tokenizer, [each.text for each in found], False)
    ids = list(encoding["input_ids"])
    prompts = iter(token_ids(tokenizer, [each.prompt for each in found if each.prompt]))
    masks = []
    for row, each in enumerate(found):
        mask = np.zeros(len(ids[row]), bool)
        if each.prompt:
            mask[common_prefix(next(prompts), ids[row]) :] = True
        else:
            for span in each.spans:
                fast = encoding.is_fast
                mask[_tokens(encoding, row, span) if fast else _parted(tokenizer, each.text, span, ids[row])] = True
        masks.append(mask)
    return ids, np.concatenate(masks)


def common_prefix(first: list[int], second: list[int]) -> int:
    """How many ids both begin with."""
    if second[: len(first)] == first:
        return len(first)
    return next(
        (i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )


def _encoding(tokenizer: PreTrainedTokenizerBase, texts: list[str], special: bool) -> Any:
    return tokenizer(texts, add_special_tokens=special, return_attention_mask=False, return_token_type_ids=False)


def _tokens(encoding: BatchEncoding, row: int, span: tuple[int, int]) -> slice:
    """The tokens that hold any of these characters."""
    start, end = span
    first, last = (
        next((token for i in places if (token := encoding.char_to_token(row, i)) is not None), None)
        for places in (range(start, end), range(end - 1, start - 1, -1))
    )
    return slice(0, 0) if first is None or last is None else slice(first, last + 1)


def _parted(tokenizer: PreTrainedTokenizerBase, text: str, span: tuple[int, int], ids: list[int]) -> slice:
    """The same from a tokenizer that cannot say where its tokens come from: they begin where the ids part."""
    before, after = token_ids(tokenizer, [text[: span[0]], text[: span[1]]])
    return slice(common_prefix(before, ids), common_prefix(after, ids))
