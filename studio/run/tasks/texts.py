"""Plain texts as tokens with the tokenizer's own special tokens, for models that read rather than write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from studio.data.part import Chunks
from studio.data.tokens.encoded import SCHEMA, Encoded, batch_of
from studio.errors import StudioError
from studio.run.study.tokens import Tell, untold

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

ROWS_AT_ONCE = 2_000
TEXTS = "Texts as tokens"

Text = tuple[int, str]
"""A row's number and its text."""


def encode_texts(
    texts: Sequence[Text], tokenizer: PreTrainedTokenizerBase, max_length: int, tell: Tell = untold
) -> Encoded:
    """Each text as one row; what is beyond `max_length` tokens is cut before the special tokens that end it."""
    batches, cut, empty = [], [], []
    for start in range(0, len(texts), ROWS_AT_ONCE):
        tell(TEXTS, start, len(texts))
        some = [(row, text) for row, text in texts[start : start + ROWS_AT_ONCE]]
        ids = _ids(tokenizer, [text for _, text in some])
        long = [i for i, each in enumerate(ids) if len(each) > max_length]
        for i, shorter in zip(long, _ids(tokenizer, [some[i][1] for i in long], max_length), strict=True):
            ids[i] = shorter
        cut += [some[i][0] for i in long]
        empty += [row for (row, text), each in zip(some, ids, strict=True) if not text.strip() or not each]
        kept = [i for i, (_, text) in enumerate(some) if text.strip() and ids[i]]
        batches.append(_batch([some[i][0] for i in kept], [ids[i] for i in kept]))
    return _encoded(batches, cut, empty)


def chunk_texts(
    texts: Sequence[Text],
    tokenizer: PreTrainedTokenizerBase,
    chunks: Chunks,
    max_length: int,
    tell: Tell = untold,
) -> Encoded:
    """Each text as as many rows as it needs, none longer than a chunk; each has its own special tokens.

    Raises:
        StudioError: the tokenizer cannot say where it cut.
    """
    length = min(chunks.length, max_length)
    if not getattr(tokenizer, "is_fast", False):
        raise StudioError(
            "This base model's tokenizer cannot cut long text into chunks. Set the cutting of long text to whole."
        )
    batches, empty = [], [row for row, text in texts if not text.strip()]
    for start in range(0, len(texts), ROWS_AT_ONCE):
        tell(TEXTS, start, len(texts))
        some = [(row, text) for row, text in texts[start : start + ROWS_AT_ONCE] if text.strip()]
        if some:
            found = tokenizer(
                [text for _, text in some],
                truncation=True,
                max_length=length,
                stride=min(chunks.overlap, length // 2),
                return_overflowing_tokens=True,
                return_attention_mask=False,
                return_token_type_ids=False,
            )
            rows = [some[place][0] for place in found["overflow_to_sample_mapping"]]
            batches.append(_batch(rows, list(found["input_ids"])))
    return _encoded(batches, [], empty)


def _ids(tokenizer: PreTrainedTokenizerBase, texts: list[str], max_length: int | None = None) -> list[list[int]]:
    if not texts:
        return []
    found = tokenizer(
        texts,
        truncation=max_length is not None,
        max_length=max_length,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
    )
    return list(found["input_ids"])


def _batch(rows: list[int], ids: list[list[int]]) -> pa.RecordBatch:
    return batch_of(rows, ids, np.ones(sum(map(len, ids)), bool))


def _encoded(batches: Iterable[pa.RecordBatch], cut: list[int], empty: list[int]) -> Encoded:
    refused = {"the text is empty": empty} if empty else {}
    return Encoded(pa.Table.from_batches(list(batches), SCHEMA), cut=cut, refused=refused)
