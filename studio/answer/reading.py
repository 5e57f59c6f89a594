"""Answers of models that read rather than write: the class of a text, and the words for its gaps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import torch

from studio.answer.generate import without_adapter
from studio.errors import StudioError
from studio.run.tasks.texts import encode_texts

if TYPE_CHECKING:
    from studio.answer.voices import Voices

BATCH = 16  # texts read at once
MOST_NAMED = 5  # classes, or words for a gap, that an answer names
GAP = "[MASK]"  # what a person may write for a gap, whatever the model calls it
NO_HEAD = (
    "The base cannot name these classes: it has no head for them. The head starts from random numbers and is learned "
    "in the run."
)


def read(voices: Voices, text: str, tuned: bool) -> str:
    """What the model says of a text: its class, with how sure it is of each, or words for its gaps.

    Raises:
        StudioError: the text is empty, too long, or has no gap where gaps are to be filled.
    """
    if not text.strip():
        raise StudioError("The text is empty, so there is nothing to read. Write a text, then send it.")
    if not voices.labels:
        return _fill_gaps(voices, text, tuned)
    if not tuned:
        return NO_HEAD
    (shares,) = class_shares(voices, [text]).values()
    return _named(list(shares.items()))


def class_shares(
    voices: Voices, texts: Sequence[str], done: Callable[[int], None] = lambda rows: None
) -> dict[int, dict[str, float]]:
    """{place: {class: how sure the tuned model is of it}} of each text; what the model cannot hold is cut.

    Texts of the same length are read together, so that no padding is needed. Empty texts are not in it.
    """
    longest = voices.context or max(map(len, texts), default=0) + 8
    encoded = encode_texts(list(enumerate(texts)), voices.tokenizer, longest)
    by_length: dict[int, list[tuple[int, list[int]]]] = {}
    for place, ids in zip(encoded.rows, encoded.input_ids, strict=True):
        by_length.setdefault(len(ids), []).append((int(place), [int(each) for each in ids]))
    shares: dict[int, dict[str, float]] = {}
    for same in by_length.values():
        for start in range(0, len(same), BATCH):
            some = same[start : start + BATCH]
            rows = _logits(voices, [ids for _, ids in some], tuned=True).float().softmax(-1).tolist()
            shares |= {
                place: dict(zip(voices.labels, row, strict=True)) for (place, _), row in zip(some, rows, strict=True)
            }
            done(len(some))
    return shares


def _fill_gaps(voices: Voices, text: str, tuned: bool) -> str:
    tokenizer = voices.tokenizer
    mask = str(tokenizer.mask_token)
    ids = tokenizer(text.replace(GAP, mask), return_token_type_ids=False, return_attention_mask=False)["input_ids"]
    gaps = [place for place, token in enumerate(ids) if token == tokenizer.mask_token_id]
    if not gaps:
        raise StudioError(f"The text has no gap to fill. Write {mask} where the model is to guess a word.")
    if voices.context is not None and len(ids) > voices.context:
        raise StudioError(f"The text takes {len(ids):,} tokens, but this model holds {voices.context:,}. Shorten it.")
    lines = []
    for shares in _logits(voices, [ids], tuned)[0, gaps].float().softmax(-1):
        likeliest = shares.topk(MOST_NAMED)
        words = [_word(voices, int(token)) for token in likeliest.indices]
        lines.append(_named(list(zip(words, likeliest.values.tolist(), strict=True))))
    return lines[0] if len(lines) == 1 else "\n".join(f"{number}: {line}" for number, line in enumerate(lines, 1))


def _logits(voices: Voices, ids: list[list[int]], tuned: bool) -> Any:
    """What the model puts out for texts of equal length."""
    model = voices.speakers.model(tuned)
    inputs = torch.tensor(ids, device=model.device)
    with torch.no_grad(), nullcontext() if tuned else without_adapter(model):
        return model(input_ids=inputs, attention_mask=torch.ones_like(inputs)).logits


def _word(voices: Voices, token: int) -> str:
    """A token as a person reads it; one that shows nothing in quotes."""
    text = str(voices.tokenizer.decode([token]))
    return text.strip() or repr(text)


def _named(shares: list[tuple[str, float]]) -> str:
    likeliest = sorted(shares, key=lambda each: -each[1])[:MOST_NAMED]
    return "; ".join(f"{name} {100 * share:.0f} %" for name, share in likeliest)
