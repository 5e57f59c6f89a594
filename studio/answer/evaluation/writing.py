"""Many prompts answered greedily in batches: the texts that separate runs would give, several times as fast."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import psutil
import torch
from transformers import GenerationConfig, StoppingCriteriaList

from studio.answer.prompts import room
from studio.answer.stopped import Stopped
from studio.run.out_of_memory import out_of_memory

if TYPE_CHECKING:
    from studio.answer.voices import Model, Seat

MOST_TOGETHER = {"cpu": 64, "cuda": 128}  # rows: beyond that a step takes as much longer as it has more rows
SHARE_OF_MEMORY = 0.4  # of what is free, for what a batch remembers of its tokens

Ids = list[int]


class Wrote(NamedTuple):
    """The tokens of an answer without its end token; one that has not `ended` by itself was cut."""

    ids: Ids
    ended: bool


class Batch(NamedTuple):
    """Prompts answered together, and how many tokens an answer may have."""

    members: list[int]
    allowed: int


def write(
    seat: Seat,
    prompts: Mapping[int, Ids],
    longest: int,
    stopped: Callable[[], bool],
    note: Callable[[str], None],
    expected: Mapping[int, int] | None = None,
) -> Iterator[dict[int, Wrote]]:
    """The answers of one voice, batch by batch, by the prompts' keys.

    Where the memory is not enough the batches are halved, and `note` is told.

    Args:
        seat: who answers.
        prompts: token ids; each leaves room for an answer.
        longest: tokens of an answer at most.
        stopped: asked at each token; what has not ended then is not given.
        note: gets words for the result.
        expected: about how many tokens each answer will have. Alike ones are answered together: a batch takes as long
            as its longest answer.
    """
    model = seat.model()
    most = _most_together(model, max(map(len, prompts.values()), default=0) + longest)
    waiting = _batches(seat, prompts, longest, most, expected or {})
    while waiting and not stopped():
        batch = waiting.pop(0)
        try:
            wrote = _written(seat, model, [prompts[i] for i in batch.members], batch.allowed, stopped)
        except Exception as error:
            if not out_of_memory(error) or len(batch.members) == 1:
                raise
            most = len(batch.members) // 2
        else:
            if wrote is not None:
                yield dict(zip(batch.members, wrote, strict=True))
            continue
        _give_back()
        note(f"The memory was not enough for {len(batch.members)} answers at a time, so {most} were written at a time.")
        waiting = [half for each in (batch, *waiting) for half in _parted(each, most)]


def _batches(
    seat: Seat, prompts: Mapping[int, Ids], longest: int, most: int, expected: Mapping[int, int]
) -> list[Batch]:
    """Those that may have as many tokens together, the long ones first: if memory is short, it shows at once."""

    def alike(place: int) -> tuple[int, int]:
        return room(len(prompts[place]), seat.context, longest), 0 if seat.pads else len(prompts[place])

    def size(place: int) -> tuple[int, int]:
        return expected.get(place, 0), len(prompts[place])

    order = sorted(prompts, key=lambda place: (alike(place), size(place)), reverse=True)
    return [
        part for (allowed, _), places in groupby(order, alike) for part in _parted(Batch(list(places), allowed), most)
    ]


def _parted(batch: Batch, most: int) -> list[Batch]:
    starts = range(0, len(batch.members), max(1, most))
    return [Batch(batch.members[start : start + max(1, most)], batch.allowed) for start in starts]


def _written(
    seat: Seat, model: Model, prompts: Sequence[Ids], allowed: int, stopped: Callable[[], bool]
) -> list[Wrote] | None:
    """None where it was stopped."""
    width = max(map(len, prompts))
    ids = torch.tensor([[seat.pad] * (width - len(each)) + each for each in prompts], device=model.device)
    mask = torch.tensor([[0] * (width - len(each)) + [1] * len(each) for each in prompts], device=model.device)
    stop = Stopped(stopped)
    with torch.inference_mode():
        whole = model.generate(
            input_ids=ids,
            attention_mask=mask,
            generation_config=GenerationConfig(  # type: ignore[no-untyped-call]
                max_new_tokens=allowed, do_sample=False, eos_token_id=sorted(seat.ends), pad_token_id=seat.pad
            ),
            stopping_criteria=StoppingCriteriaList([stop]),
        )
    if stop.was:
        return None
    return [_ended(answer, seat.ends) for answer in whole[:, width:].tolist()]


def _ended(ids: Ids, ends: frozenset[int]) -> Wrote:
    end = next((place for place, token in enumerate(ids) if token in ends), None)
    return Wrote(ids[:end], end is not None)


def _most_together(model: Model, tokens: int) -> int:
    """Rows of `tokens` tokens that a batch may have."""
    config = model.config.get_text_config(decoder=True)
    heads = getattr(config, "num_attention_heads", None) or 1
    hidden = getattr(config, "hidden_size", None) or 1024
    width = getattr(config, "head_dim", None) or hidden // heads
    width *= getattr(config, "num_key_value_heads", None) or heads
    layers = getattr(config, "num_hidden_layers", None) or 1
    a_row = tokens * 2 * layers * width * model.dtype.itemsize + 8 * (getattr(config, "vocab_size", None) or 1)
    cuda = model.device.type == "cuda"
    free = torch.cuda.mem_get_info()[0] if cuda else psutil.virtual_memory().available
    return max(1, min(MOST_TOGETHER.get(model.device.type, 64), int(SHARE_OF_MEMORY * free / a_row)))


def _give_back() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
