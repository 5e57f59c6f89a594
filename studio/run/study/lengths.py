"""How long rows are in tokens, and what a longest row does to them. Counts on tokens that were made before."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
from pydantic import BaseModel

from studio.data.findings import Finding, Histogram, finding
from studio.data.tokens.encoded import Encoded
from studio.data.wording import counted, rows_named, sentence

BINS = 40
LAST_BIN = 99.5  # per cent of the rows that the bins spread over; the last bin holds the others too


class Lengths(BaseModel, frozen=True):
    """The rows at one longest row. All lengths and counts of tokens are before any cut, unless they say otherwise."""

    max_length: int
    rows: int
    """What is trained on: without the rows that hold nothing to learn."""
    tokens: int
    seen_tokens: int
    """After the cut: what one pass over the rows reads."""
    trained_tokens: int
    """After the cut: what one pass learns from."""
    cut_rows: int
    dropped_rows: int
    median_length: int
    usual_length: int
    """95 % of the rows are no longer."""
    longest: int
    row_lengths: Histogram
    prompt_lengths: Histogram
    completion_lengths: Histogram
    """Completion: what comes after the first prompt, all later turns included."""

    @property
    def lost_tokens(self) -> int:
        """Tokens that are never seen: beyond the cut, and in rows that are left out for it."""
        return self.tokens - self.seen_tokens


def lengths_at(encoded: Encoded, max_length: int) -> Lengths:
    """The figures of uncut rows at a longest row, without making tokens again."""
    lengths, prompts = encoded.lengths.astype(np.int64), encoded.prompts.astype(np.int64)
    kept = prompts < np.minimum(lengths, max_length)
    over = lengths > max_length
    cut = kept & over
    return Lengths(
        max_length=max_length,
        rows=int(kept.sum()),
        tokens=int(lengths.sum()),
        seen_tokens=int(np.minimum(lengths, max_length)[kept].sum()),
        trained_tokens=_trained(encoded) - _trained_beyond(encoded, np.flatnonzero(over), max_length),
        cut_rows=int(cut.sum()),
        dropped_rows=int((~kept).sum()),
        median_length=_percentile(lengths, 50),
        usual_length=_percentile(lengths, 95),
        longest=int(lengths.max(initial=0)),
        row_lengths=binned(lengths, max_length),
        prompt_lengths=binned(prompts),
        completion_lengths=binned(lengths - prompts),
    )


def length_findings(encoded: Encoded, max_length: int) -> list[Finding]:
    """The rows that a longest row cuts or leaves out, and those that the chat template refuses."""
    rows, lengths, prompts = encoded.table["row"].to_numpy(), encoded.lengths, encoded.prompts
    kept = prompts < np.minimum(lengths, max_length)
    findings = [_refused(reason, refused) for reason, refused in encoded.refused.items()]
    if cut := rows[kept & (lengths > max_length)].tolist():
        share = 100 * int((lengths[kept] - np.minimum(lengths[kept], max_length)).sum()) / int(lengths.sum())
        message = (
            f"{sentence(rows_named(cut))}: longer than the longest row of {max_length:,} tokens, so the end is cut "
            f"off: {share:.2g} % of all tokens. Raise the longest row, or shorten these rows."
        )
        why = "A model that sees answers without their ends does not learn where to stop."
        findings.append(finding("cut", cut, message, "warning", why=why))
    if dropped := rows[~kept].tolist():
        message = (
            f"{sentence(rows_named(dropped))}: nothing to learn is within {max_length:,} tokens, mostly because the "
            "prompt alone fills them. Left out of training. Raise the longest row, or shorten the prompts."
        )
        why = "Only answers are learned from; a row whose prompt leaves no room for one teaches nothing."
        findings.append(finding("no-room", dropped, message, "warning", why=why))
    return findings


def binned(values: np.ndarray, edge_after: int | None = None) -> Histogram:
    """The values in about forty bins of whole numbers. A value of `edge_after` ends its bin."""
    if not len(values):
        return Histogram()
    top = max(int(np.percentile(values, LAST_BIN)), 1)
    width = -(-(top + 1) // BINS)
    edges = set(range(0, top + 1 + width, width))
    if edge_after is not None and edge_after < int(values.max()):
        edges |= {edge_after + 1}
    rising = sorted(edges)
    places = np.clip(np.searchsorted(rising, values, "right") - 1, 0, len(rising) - 2)
    counts = np.bincount(places, minlength=len(rising) - 1)
    return Histogram(edges=rising, counts=counts.tolist())


def _refused(reason: str, rows: list[int]) -> Finding:
    message = (
        f"{sentence(rows_named(rows))}: {reason}. Left out of training. Change these rows, or choose a base model "
        "whose chat template takes them."
    )
    why = f"The model sees a row only through its chat template; {counted(len(rows), 'row')} would not reach it."
    return finding("refused", rows, message, "warning", why=why)


def _trained(encoded: Encoded) -> int:
    return sum(int(pc.sum(chunk.flatten()).as_py() or 0) for chunk in encoded.table["trained"].chunks)


def _trained_beyond(encoded: Encoded, places: np.ndarray, max_length: int) -> int:
    """How many trained tokens of the rows at these places are beyond the longest row."""
    if not len(places):
        return 0
    within = 0
    some = encoded.take(places)
    for chunk in some.table["trained"].chunks:
        within += int(pc.sum(pc.list_slice(chunk, 0, max_length).flatten()).as_py() or 0)
    return _trained(some) - within


def _percentile(values: np.ndarray, share: float) -> int:
    return int(np.percentile(values, share, method="inverted_cdf")) if len(values) else 0
