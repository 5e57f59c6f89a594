"""Packing: several rows laid end to end in one, each of which still sees only itself."""

from __future__ import annotations

from typing import Any

import pyarrow.compute as pc
import torch
from datasets import Dataset
from trl import pack_dataset

from studio.data.wording import counted
from studio.errors import StudioError
from studio.run.events import Decision, EventWriter
from studio.run.row_losses.places import gathered, spread
from studio.run.tasks.runner import dataset_of

APART = 1e-3  # how much logits may differ, as a share of the largest


def packed(rows: Dataset, room: int, events: EventWriter) -> Dataset:
    """The rows in as few packed rows of at most `room` tokens as best-fit decreasing finds, in TRL's own order.

    A column `seq_lengths` says where each row begins; TRL's collator makes position ids from it. `place` lists the
    places of the rows in one. No row may be longer than `room`.
    """
    tokens = pc.sum(pc.list_value_length(rows.data.column("input_ids"))).as_py()
    spread_out = dataset_of(spread(rows.with_format("arrow")[:]))
    fewer = dataset_of(gathered(pack_dataset(spread_out, room, "bfd").with_format("arrow")[:]))
    reason = f"{counted(len(rows), 'row')} of together {tokens:,} tokens, {room:,} at most in each"
    events.write(Decision(choice=f"packed into {counted(len(fewer), 'row')}", reason=reason))
    return fewer


def is_packed(rows: Dataset) -> bool:
    """Whether several rows lie in one. Not every task packs, whatever the recipe says."""
    return "seq_lengths" in rows.column_names


def keep_apart(model: Any) -> None:
    """Make sure that this model keeps rows apart that lie in one: what comes before a row must not change its logits.

    Raises:
        StudioError: rows would see each other, as with soft prompts and with models that are not attention alone.
    """
    first = torch.arange(4, 8, device=model.device)
    second = torch.arange(8, 14, device=model.device)
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            one, other = (_logits_of_second(model, before, second) for before in (first, first.flip(0)))
    except (ValueError, RuntimeError) as error:
        raise _mixed() from error
    finally:
        model.train(was_training)
    if one.shape != other.shape or (one - other).abs().max() > APART * one.abs().max():
        raise _mixed()


def _logits_of_second(model: Any, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    positions = torch.cat([torch.arange(len(first)), torch.arange(len(second))]).to(first.device)
    ids = torch.cat([first, second])
    logits: torch.Tensor = model(input_ids=ids[None], position_ids=positions[None], use_cache=False).logits
    return logits[0, -len(second) :].float()


def _mixed() -> StudioError:
    return StudioError(
        "You set packing, but with this base model and method the rows in one packed row would see each other. "
        "Switch packing off; grouping by length saves most of the padding too."
    )
