"""The thorough report on rows: what is found in them, and how the base model sees them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import BaseModel, TypeAdapter

from studio.data.checks.scan import scan
from studio.data.dataset import Prepared
from studio.data.example import Examples
from studio.data.findings import Finding
from studio.recipe.recipe import TrainingPart
from studio.run.steps import steps_of
from studio.run.study.caches import Cache
from studio.run.study.keys import data_code, key_of
from studio.run.study.lengths import Lengths, length_findings, lengths_at
from studio.run.study.templates import template_notes
from studio.run.study.tokens import Encoding, Tell, encoded_rows, rows_digest

FINDINGS = "findings.json"
FOUND = TypeAdapter(list[Finding])


class ChunkFacts(BaseModel, frozen=True):
    """What cutting long text makes of it: lengths in tokens, and the share of the chunks' room that stays empty."""

    chunks: int
    length: int
    tokens: int
    waste_share: float


class Thorough(BaseModel, frozen=True):
    """All that a study found, at the longest row it was asked for.

    `tokens_key` names the tokens in the cache, from which `lengths_at` and `length_findings` tell the same for any
    other longest row; empty where the disk refused them.
    """

    found: list[Finding]
    lengths: Lengths
    length_findings: list[Finding]
    notes: list[str]
    template_notes: list[str]
    chunks: ChunkFacts | None
    tokens_key: str


class Study(Lengths, frozen=True):
    """The thorough report at one longest row."""

    findings: list[Finding]
    notes: list[str]
    """What the template does differently from what the rows ask for, and how texts were cut."""
    template_notes: list[str]
    chunks: ChunkFacts | None

    @property
    def languages(self) -> dict[str, int]:
        """How many rows are in each language, by its code, where there are several."""
        kinds = ("languages", "mixed-languages")
        return next((each.counts for each in self.findings if each.kind in kinds), {})

    def steps(self, training: TrainingPart) -> int:
        """How many steps a training over these rows takes."""
        return steps_of(training, self.rows)


def study_of(thorough: Thorough, lengths: Lengths, findings: list[Finding]) -> Study:
    """The report with the figures for one longest row."""
    return Study(
        **lengths.model_dump(),
        findings=[*findings, *thorough.found],
        notes=thorough.notes,
        template_notes=thorough.template_notes,
        chunks=thorough.chunks,
    )


def examine(prepared: Prepared, how: Encoding, max_length: int, cache: Cache, tell: Tell) -> Thorough:
    """Study the rows that are trained on. The held-out ones are made to tokens too, for the run to come."""
    rows = prepared.train
    tokens = encoded_rows(rows, how, cache, prepared.fingerprint, tell)
    if len(prepared.held_out):
        encoded_rows(prepared.held_out, how, cache, tell=tell)
    encoded = tokens.encoded
    return Thorough(
        found=_found(rows.of_main_file(), prepared.fingerprint, cache, tell),
        lengths=lengths_at(encoded, max_length),
        length_findings=length_findings(encoded, max_length),
        notes=list(encoded.notes),
        template_notes=template_notes(how.tokenizer),
        chunks=_chunk_facts(encoded.lengths, how.chunks.length) if how.chunks else None,
        tokens_key=tokens.entry.path.name if tokens.entry else "",
    )


def _found(rows: Examples, known_as: str, cache: Cache, tell: Tell) -> list[Finding]:
    """What the scan finds: the same for every base model, so it is kept by the rows alone."""
    key = key_of("findings", known_as, rows_digest(rows), rows.type, data_code())
    if entry := cache.find(key):
        return FOUND.validate_json((entry.path / FINDINGS).read_bytes())
    found = scan(rows, tell)
    cache.keep(key, lambda folder: _write(folder / FINDINGS, found))
    return found


def _write(path: Path, found: list[Finding]) -> None:
    path.write_bytes(FOUND.dump_json(found))


def _chunk_facts(lengths: np.ndarray, length: int) -> ChunkFacts:
    tokens, room = int(lengths.sum()), len(lengths) * length
    return ChunkFacts(chunks=len(lengths), length=length, tokens=tokens, waste_share=1 - tokens / room if room else 0.0)
