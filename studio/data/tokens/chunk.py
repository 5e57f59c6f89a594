"""Long plain text cut into rows of a given length for continued pretraining."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from studio.data.example import Examples
from studio.data.part import Chunks
from studio.data.tokens.encoded import batch_of
from studio.data.tokens.ids import piece_ids
from studio.data.tokens.sentences import MOST_CHARACTERS, Unit, ends

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PIECES_AT_ONCE = 500
CHUNKS_AT_ONCE = 5_000


@dataclass(frozen=True)
class ChunkFacts:
    """What cutting does. All counts are of tokens.

    `tokens` is what the text has, end tokens included; `lengths` what each chunk has; `waste_share` the part of the
    chunks' room that stays empty; `repeated_share` the part of what is trained on that an earlier chunk had already.
    """

    chunks: int
    tokens: int
    waste_share: float
    repeated_share: float
    lengths: np.ndarray


@dataclass(frozen=True)
class Chunked:
    """The chunks as batches of `encoded.SCHEMA`, and what was done."""

    batches: list[pa.RecordBatch]
    facts: ChunkFacts


def chunked(
    examples: Examples, tokenizer: PreTrainedTokenizerBase, chunks: Chunks, max_length: int | None = None
) -> Chunked:
    """The plain texts among the examples, laid end to end and cut. Rows that are no plain text are passed over.

    Documents are parted by the end token. Rows of one group that follow each other in the file are one document: they
    are joined by a blank line. A chunk is at most `chunks.length` tokens, and no longer than `max_length`; it bears the
    row number of its first token. Everything is in some chunk, the short last one too.
    """
    length = min(chunks.length, max_length or chunks.length)
    stream = _stream(examples, tokenizer, chunks.by)
    size = len(stream.ids)
    spans = _spans(size, length, min(chunks.overlap, length // 2), stream.allowed)
    lengths = np.array([end - start for start, end in spans], np.int32)
    facts = ChunkFacts(
        chunks=len(spans),
        tokens=size,
        waste_share=1 - float(lengths.sum()) / (len(spans) * length) if spans else 0.0,
        repeated_share=1 - size / float(lengths.sum()) if spans else 0.0,
        lengths=lengths,
    )
    return Chunked(list(_batches(stream, spans)), facts)


def _spans(size: int, length: int, overlap: int, allowed: np.ndarray | None) -> list[tuple[int, int]]:
    """From which to which token each chunk goes. `allowed` are the places where one may end, in order."""
    spans: list[tuple[int, int]] = []
    start = done = 0
    while done < size:
        end = min(start + length, size)
        if allowed is not None and end < size:
            end = _last_in(allowed, done, end) or end
        spans.append((start, end))
        done = end
        start = end - overlap
        if allowed is not None and overlap:
            start = _first_in(allowed, start, end)
    return spans


def _last_in(allowed: np.ndarray, above: int, most: int) -> int:
    """The last allowed place in (above, most], or 0."""
    place = int(np.searchsorted(allowed, most, "right")) - 1
    return int(allowed[place]) if place >= 0 and allowed[place] > above else 0


def _first_in(allowed: np.ndarray, least: int, below: int) -> int:
    """The first allowed place in [least, below), or `least` where there is none."""
    place = int(np.searchsorted(allowed, least, "left"))
    return int(allowed[place]) if place < len(allowed) and allowed[place] < below else least


@dataclass(frozen=True)
class _Piece:
    """A row's text, and whether a document starts and ends with it."""

    row: int
    text: str
    starts: bool
    ends: bool


@dataclass(frozen=True)
class _Stream:
    """All tokens laid end to end (int32), where each piece starts, its row, and where a chunk may end."""

    ids: np.ndarray
    starts: np.ndarray
    rows: np.ndarray
    allowed: np.ndarray | None


def _stream(examples: Examples, tokenizer: PreTrainedTokenizerBase, by: str) -> _Stream:
    unit: Unit | None = "sentence" if by == "sentence" else "paragraph" if by == "paragraph" else None
    careful = (pc.sum(pc.binary_length(examples.column("completion"))).as_py() or 0) <= MOST_CHARACTERS
    parts, allowed = [np.empty(0, np.int32)], [np.empty(0, np.int64)]
    starts: list[int] = []
    rows: list[int] = []
    total = 0
    for pieces in _some(_pieces(examples)):
        places = [ends(piece.text, unit, careful) if unit else [] for piece in pieces]
        for piece, (ids, inner) in zip(pieces, piece_ids(tokenizer, pieces, places), strict=True):
            starts.append(total)
            rows.append(piece.row)
            parts.append(np.array(ids, np.int32))
            total += len(ids)
            allowed.append(np.array([*(starts[-1] + place for place in inner), total], np.int64))
    limits = np.concatenate(allowed) if unit else None
    return _Stream(np.concatenate(parts), np.array(starts, np.int64), np.array(rows, np.int64), limits)


def _pieces(examples: Examples) -> Iterator[_Piece]:
    """The plain texts, a blank line at the end of each that the next one goes on."""
    waiting: _Piece | None = None
    same = ""
    for batch in examples.batches("row", "prompt", "completion", "messages", "group"):
        for row, prompt, text, messages, group in zip(*batch, strict=True):
            if prompt or messages or not text.strip():
                continue
            goes_on = waiting is not None and bool(group) and group == same and row == waiting.row + 1
            if waiting is not None:
                yield replace(waiting, text=f"{waiting.text}\n\n", ends=False) if goes_on else waiting
            waiting, same = _Piece(row, text, not goes_on, True), group
    if waiting is not None:
        yield waiting


def _some(pieces: Iterator[_Piece]) -> Iterator[list[_Piece]]:
    while batch := list(islice(pieces, PIECES_AT_ONCE)):
        yield batch


def _batches(stream: _Stream, spans: list[tuple[int, int]]) -> Iterator[pa.RecordBatch]:
    for at in range(0, len(spans), CHUNKS_AT_ONCE):
        some = spans[at : at + CHUNKS_AT_ONCE]
        flat = np.concatenate([stream.ids[start:end] for start, end in some])
        offsets = np.concatenate([[0], np.cumsum([end - start for start, end in some])])
        ids = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(flat, pa.int32()))
        first = np.searchsorted(stream.starts, [start for start, _ in some], "right") - 1
        yield batch_of(stream.rows[first].tolist(), ids, np.ones(len(flat), bool))
