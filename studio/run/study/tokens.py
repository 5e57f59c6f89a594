"""Rows as tokens, made once for each tokenizer and template and kept for the study, the trainer and the next run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from studio.data.division.split import fingerprint
from studio.data.example import Examples
from studio.data.part import Chunks, DataPart
from studio.data.tokens.encode import encode
from studio.data.tokens.encoded import SCHEMA, Encoded
from studio.data.tokens.turns import TrainOn
from studio.run.study.caches import Cache, Entry
from studio.run.study.keys import data_code, key_of
from studio.run.tokenizer import digest, template_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

ROWS_AT_ONCE = 4_000  # between two words on how far it is
TOKENS, FACTS = "tokens.arrow", "facts.json"

Tell = Callable[[str, int, int], None]  # what is done, how many of them, of how many


def untold(what: str, done: int, total: int) -> None:
    """Nobody listens."""


def rows_digest(examples: Examples) -> str:
    """A digest of the rows' numbers, which a fingerprint leaves out and what is told of rows names."""
    return hashlib.sha256(np.ascontiguousarray(examples.rows).tobytes()).hexdigest()


@dataclass(frozen=True)
class Encoding:
    """How rows become tokens. `chunks` is None where plain text stays whole."""

    tokenizer: PreTrainedTokenizerBase
    train_on: TrainOn
    chunks: Chunks | None

    @classmethod
    def of(cls, part: DataPart, tokenizer: PreTrainedTokenizerBase, max_length: int) -> Encoding:
        """As a recipe says it. Only chunks depend on the longest row: all else is cut to it later."""
        chunks = part.chunks
        if chunks.by == "whole":
            return cls(tokenizer, part.mapped.train_on, None)
        return cls(
            tokenizer, part.mapped.train_on, chunks.model_copy(update={"length": min(chunks.length, max_length)})
        )

    def key(self, examples: Examples, known_as: str = "") -> str:
        """The key of these rows' tokens. `known_as` is their fingerprint where it is known already."""
        return key_of("tokens", known_as or fingerprint(examples), rows_digest(examples), examples.type, *self._facts)

    @cached_property
    def _facts(self) -> tuple[object, ...]:
        changes_daily = "strftime_now" in template_of(self.tokenizer)
        return (
            digest(self.tokenizer),
            self.train_on,
            self.chunks.model_dump() if self.chunks else None,
            str(date.today()) if changes_daily else "",
            data_code(),
            version("transformers"),
            version("tokenizers"),
        )


@dataclass(frozen=True)
class Tokens:
    """The tokens of rows, uncut. `known` says that they were there already; the entry is held while they are used."""

    encoded: Encoded
    known: bool = False
    entry: Entry | None = None


def known_tokens(cache: Cache, key: str) -> Tokens | None:
    """The tokens kept under a key of `Encoding.key`, mapped from the disk; None where there are none."""
    entry = cache.find(key)
    return Tokens(_loaded(entry.path), known=True, entry=entry) if entry else None


def encoded_rows(
    examples: Examples, how: Encoding, cache: Cache | None = None, known_as: str = "", tell: Tell = untold
) -> Tokens:
    """The tokens of these rows, from the cache or made now and kept there.

    With a cache they are never all in memory. Without one, or where the disk refuses, they are made there.
    """
    if cache is None:
        return Tokens(_in_memory(examples, how, tell))
    key = how.key(examples, known_as)
    if found := known_tokens(cache, key):
        return found
    entry = cache.keep(key, lambda folder: _write(folder, examples, how, tell))
    return Tokens(_loaded(entry.path), entry=entry) if entry else Tokens(_in_memory(examples, how, tell))


def _in_memory(examples: Examples, how: Encoding, tell: Tell) -> Encoded:
    parts = list(_parts(examples, how, tell))
    table = pa.concat_tables([part.table for part in parts]) if parts else SCHEMA.empty_table()
    return Encoded(table, refused=_refused(parts), notes=_notes(parts))


def _write(folder: Path, examples: Examples, how: Encoding, tell: Tell) -> None:
    parts: list[Encoded] = []
    with pa.OSFile(str(folder / TOKENS), "wb") as file, pa.ipc.new_file(file, SCHEMA) as out:
        for part in _parts(examples, how, tell):
            out.write_table(part.table)
            parts.append(Encoded(SCHEMA.empty_table(), refused=part.refused, notes=part.notes))
    (folder / FACTS).write_text(json.dumps({"refused": _refused(parts), "notes": _notes(parts)}), "utf-8")


def _loaded(folder: Path) -> Encoded:
    facts = json.loads((folder / FACTS).read_text("utf-8"))
    with pa.memory_map(str(folder / TOKENS)) as file:
        table = pa.ipc.open_file(file).read_all()
    return Encoded(table, refused=facts["refused"], notes=tuple(facts["notes"]))


def _parts(examples: Examples, how: Encoding, tell: Tell) -> Iterator[Encoded]:
    """A few thousand rows at a time; all at once where text is laid end to end and cut into chunks."""
    at_once = max(1, len(examples)) if how.chunks else ROWS_AT_ONCE
    for start in range(0, len(examples), at_once):
        tell("Rows as tokens", start, len(examples))
        yield encode(examples[start : start + at_once], how.tokenizer, None, chunks=how.chunks, train_on=how.train_on)
    tell("Rows as tokens", len(examples), len(examples))


def _refused(parts: list[Encoded]) -> dict[str, list[int]]:
    refused: dict[str, list[int]] = {}
    for part in parts:
        for reason, rows in part.refused.items():
            refused.setdefault(reason, []).extend(rows)
    return refused


def _notes(parts: list[Encoded]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(note for part in parts for note in part.notes))
