"""How a model reads the references: the loss of their tokens, with everything before them given (teacher forcing)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from studio.answer.evaluation.answered import Read
from studio.data.example import Example, Examples
from studio.data.tokens.encode import encode
from studio.data.tokens.encoded import IGNORED, cut_at
from studio.run.out_of_memory import out_of_memory

if TYPE_CHECKING:
    from studio.answer.voices import Model, Seat

LOGIT_BYTES = 256 * 2**20  # that a batch's logits may take, in float32
MOST = 64  # rows at once

Tokens = tuple[list[int], list[int]]
"""The ids of a row, and its labels: -100 where nothing is judged."""


def labelled(seat: Seat, examples: Mapping[int, Example]) -> dict[int, Tokens]:
    """{place: tokens} of each row as training renders it, of which the last answer is judged, its end token with it.

    Plain text is judged whole. A row whose answer lies beyond the context is not in it, nor one that the template
    refuses.
    """
    places = list(examples)
    encoded = encode(
        Examples.of([_numbered(examples[place], place) for place in places]), seat.tokenizer, train_on="last answer"
    )
    if seat.context is not None:
        encoded = cut_at(encoded, seat.context)
    return {
        place: (ids, labels)
        for place, ids, labels in zip(encoded.rows, encoded.input_ids, encoded.labels, strict=True)
        if any(label != IGNORED for label in labels[1:])
    }


def read_references(
    seat: Seat, rows: Mapping[int, Tokens], stopped: Callable[[], bool], note: Callable[[str], None]
) -> Iterator[dict[int, Read]]:
    """How the voice reads rows, batch by batch, those of alike lengths together.

    Where the memory is not enough the batches are halved, and `note` is told.
    """
    model = seat.model()
    vocabulary = getattr(model.config.get_text_config(decoder=True), "vocab_size", None) or 1
    most_tokens = max(1, LOGIT_BYTES // (4 * vocabulary))
    waiting = _batches(rows, most_tokens)
    while waiting and not stopped():
        members = waiting.pop(0)
        try:
            yield dict(zip(members, _read(model, [rows[i] for i in members], seat.pad), strict=True))
        except Exception as error:
            if not out_of_memory(error) or len(members) == 1:
                raise
            half = len(members) // 2
            note(
                f"The memory was not enough to read {len(members)} references at a time, so {half} were read at a time."
            )
            waiting = [part for each in (members, *waiting) for part in _halves(each, half)]


def _numbered(example: Example, place: int) -> Example:
    """The example under the number of its place, since several may come from one source row."""
    return Example(place, example.prompt, example.completion, messages=example.messages, tools=example.tools)


def _batches(rows: Mapping[int, Tokens], most_tokens: int) -> list[list[int]]:
    """The long ones first."""
    batches: list[list[int]] = []
    for place in sorted(rows, key=lambda place: -len(rows[place][0])):
        width = len(rows[batches[-1][0]][0]) if batches else 0
        if batches and len(batches[-1]) < MOST and (len(batches[-1]) + 1) * width <= most_tokens:
            batches[-1].append(place)
        else:
            batches.append([place])
    return batches


def _halves(members: list[int], most: int) -> list[list[int]]:
    return [members[start : start + most] for start in range(0, len(members), most)]


def _read(model: Model, rows: Sequence[Tokens], pad: int) -> list[Read]:
    """Padding stands behind the rows, where nothing looks at it."""
    width = max(len(ids) for ids, _ in rows)
    ids = torch.tensor([each + [pad] * (width - len(each)) for each, _ in rows], device=model.device)
    mask = torch.tensor([[1] * len(each) + [0] * (width - len(each)) for each, _ in rows], device=model.device)
    labels = torch.tensor([each + [IGNORED] * (width - len(each)) for _, each in rows], device=model.device)
    with torch.inference_mode():
        logits = model(input_ids=ids, attention_mask=mask).logits[:, -width:][:, :-1]
        wanted = labels[:, 1:]
        judged = wanted != IGNORED
        losses = functional.cross_entropy(logits[judged].float(), wanted[judged], reduction="none")
        nats = torch.zeros(len(rows), dtype=torch.float64).index_add_(
            0, judged.nonzero()[:, 0].cpu(), losses.double().cpu()
        )
    return [Read(nats=float(sum_), tokens=int(count)) for sum_, count in zip(nats, judged.sum(1).tolist(), strict=True)]
