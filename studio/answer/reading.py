"""Answers of models that read rather than write: the class of a text, and the words for its gaps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from studio.errors import StudioError
from studio.run.tasks.texts import encode_texts

if TYPE_CHECKING:
    from studio.answer.voices import Model, Seat

BATCH = 16  # texts read at once
MOST_NAMED = 5  # classes, or words for a gap, that an answer names
GAP = "[MASK]"  # what a person may write for a gap, whatever the model calls it
NO_HEAD = (
    "The base cannot name these classes: it has no head for them. The head starts from random numbers and is learned "
    "in the run."
)


def read(seat: Seat, text: str) -> str:
    """What a voice says of a text: its class, with how sure it is of each, or words for its gaps.

    Raises:
        StudioError: the text is empty, too long, or has no gap where gaps are to be filled.
    """
    if not text.strip():
        raise StudioError("The text is empty, so there is nothing to read. Write a text, then send it.")
    if not seat.labels:
        return _fill_gaps(seat, text)
    if seat.voice.is_base:
        return NO_HEAD
    (shares,) = class_shares(seat, [text]).values()
    return _named(list(shares.items()))


def class_shares(
    seat: Seat, texts: Sequence[str], done: Callable[[int], None] = lambda rows: None
) -> dict[int, dict[str, float]]:
    """{place: {class: how sure the voice is of it}} of each text; what the model cannot hold is cut.

    Texts of the same length are read together, so that no padding is needed. Empty texts are not in it.
    """
    longest = seat.context or max(map(len, texts), default=0) + 8
    encoded = encode_texts(list(enumerate(texts)), seat.tokenizer, longest)
    by_length: dict[int, list[tuple[int, list[int]]]] = {}
    for place, ids in zip(encoded.rows, encoded.input_ids, strict=True):
        by_length.setdefault(len(ids), []).append((int(place), [int(each) for each in ids]))
    model, shares = seat.model(), dict[int, dict[str, float]]()
    for same in by_length.values():
        for start in range(0, len(same), BATCH):
            some = same[start : start + BATCH]
            rows = _logits(model, [ids for _, ids in some]).float().softmax(-1).tolist()
            shares |= {
                place: dict(zip(seat.labels, row, strict=True)) for (place, _), row in zip(some, rows, strict=True)
            }
            done(len(some))
    return shares


def _fill_gaps(seat: Seat, text: str) -> str:
    tokenizer = seat.tokenizer
    mask = str(tokenizer.mask_token)
    ids = tokenizer(text.replace(GAP, mask), return_token_type_ids=False, return_attention_mask=False)["input_ids"]
    gaps = [place for place, token in enumerate(ids) if token == tokenizer.mask_token_id]
    if not gaps:
        raise StudioError(f"The text has no gap to fill. Write {mask} where the model is to guess a word.")
    if seat.context is not None and len(ids) > seat.context:
        raise StudioError(f"The text takes {len(ids):,} tokens, but this model holds {seat.context:,}. Shorten it.")
    lines = []
    for shares in _logits(seat.model(), [ids])[0, gaps].float().softmax(-1):
        likeliest = shares.topk(MOST_NAMED)
        words = [_word(seat, int(token)) for token in likeliest.indices]
        lines.append(_named(list(zip(words, likeliest.values.tolist(), strict=True))))
    return lines[0] if len(lines) == 1 else "\n".join(f"{number}: {line}" for number, line in enumerate(lines, 1))


def _logits(model: Model, ids: list[list[int]]) -> Any:
    """What the model puts out for texts of equal length."""
    inputs = torch.tensor(ids, device=model.device)
    with torch.no_grad():
        return model(input_ids=inputs, attention_mask=torch.ones_like(inputs)).logits


def _word(seat: Seat, token: int) -> str:
    """A token as a person reads it; one that shows nothing in quotes."""
    text = str(seat.tokenizer.decode([token]))
    return text.strip() or repr(text)


def _named(shares: list[tuple[str, float]]) -> str:
    likeliest = sorted(shares, key=lambda each: -each[1])[:MOST_NAMED]
    return "; ".join(f"{name} {100 * share:.0f} %" for name, share in likeliest)
