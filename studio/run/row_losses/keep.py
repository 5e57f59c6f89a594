"""A trainer that keeps the loss of each row it learns from. It listens to what the model says anyway."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from studio.data.tokens.encoded import IGNORED
from studio.run.accelerated.ranks import this_rank
from studio.run.directory import Run
from studio.run.events import Event, Warned
from studio.run.row_losses.places import PLACE
from studio.run.row_losses.record import RECORD, append, cut_after, path_of, paths_of, rank_of


@dataclass(frozen=True)
class Batch:
    """Which rows lie in a batch, in order. `lengths` are the tokens of each row in each packed one, None without."""

    places: list[int]
    lengths: list[list[int]] | None


@dataclass(frozen=True)
class Heard:
    """Losses by row and position, in nats, 0 where nothing is learned, and a mask of where something is."""

    losses: torch.Tensor
    learned: torch.Tensor


class Placing:
    """A collator that lets a batch say which rows are in it."""

    def __init__(self, collator: Callable[..., Any]) -> None:
        self._collator = collator

    def __call__(self, rows: Sequence[dict[str, Any]], *rest: Any) -> Any:
        """What the collator makes of the rows, and a `Batch` beside it where they know their places."""
        if PLACE not in rows[0]:
            return self._collator(rows, *rest)
        places = [place for row in rows for place in (row[PLACE] if isinstance(row[PLACE], list) else [row[PLACE]])]
        lengths = [row["seq_lengths"] for row in rows] if "seq_lengths" in rows[0] else None
        batch = self._collator([{name: row[name] for name in row if name != PLACE} for row in rows], *rest)
        batch[PLACE] = Batch(places, lengths)
        return batch


class KeepsRowLosses:
    """To be put before a trainer's class. Nothing of the training changes: no random number is drawn, and what is
    added up is there already. Where the disk refuses, the run goes on without."""

    accelerator: Any
    args: Any
    data_collator: Any
    model: Any
    state: Any
    tell: Callable[[Event], None]
    _run: Callable[[], Run]
    _signature_columns: list[str] | None
    _begun = _refused = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._unwritten: list[tuple[Batch, Heard]] = []
        self.data_collator = Placing(self.data_collator)

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()  # type: ignore[misc]
        if self._signature_columns is not None and PLACE not in self._signature_columns:
            self._signature_columns.append(PLACE)

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Any:
        """One batch, listened to."""
        batch = inputs.pop(PLACE, None)
        if batch is None or self._refused:
            return super().training_step(model, inputs, num_items_in_batch)  # type: ignore[misc]
        with self._listening(inputs) as heard:
            loss = super().training_step(model, inputs, num_items_in_batch)  # type: ignore[misc]
        self._unwritten += [(batch, each) for each in heard[-1:]]
        if self.accelerator.sync_gradients:  # the step's last batch
            self._write_row_losses()
        return loss

    @contextmanager
    def _listening(self, inputs: Any) -> Iterator[list[Heard]]:
        """What the model says inside, each time that it is asked; the last time is the one that counts."""
        heard: list[Heard] = []

        def hear(module: Any, asked: Any, said: Any) -> None:
            with torch.no_grad():
                found = self._heard(said, inputs)
            heard.extend([found] if found else [])

        hook = self.model.register_forward_hook(hear)
        try:
            yield heard
        finally:
            hook.remove()

    def _heard(self, said: Any, inputs: Any) -> Heard | None:
        logs = getattr(said, "log_probs", None)
        if logs is not None and "ref_chosen_logps" in inputs:
            return _of_pairs(logs.detach(), inputs, self.beta)  # type: ignore[attr-defined]
        if logs is not None:
            return Heard(-logs.detach(), said.label_mask)
        logits = getattr(said, "logits", None)
        if logits is None or hasattr(self.args, "loss_type"):  # TRL asks once more with the logarithms
            return None
        return _of_labels(logits.detach(), inputs["labels"])

    def _write_row_losses(self) -> None:
        """Append what was heard of this step. Right before the update, where the trainer waits for the loss anyway."""
        step, run, rank = self.state.global_step + 1, self._run().path, this_rank()
        found = [record for batch, heard in self._unwritten for record in _records(step, batch, heard)]
        self._unwritten.clear()
        try:
            if not self._begun:
                others = [path for path in paths_of(run) if rank.first and rank_of(path) >= rank.of]
                for path in (path_of(run, rank.number), *others):
                    cut_after(path, step - 1)
                self._begun = True
            append(path_of(run, rank.number), np.array(found, RECORD))
        except OSError as error:
            self._refused = True
            words = (
                f"The loss of each row could not be written at step {step:,} ({error.strerror}), so from here on it is "
                "not kept. The run goes on; free some space before the next one."
            )
            self.tell(Warned(step=step, cause="disk", message=words))


def _of_pairs(logs: torch.Tensor, inputs: Any, beta: float) -> Heard:
    """The loss of each pair as Rafailov et al. 2023 (arXiv 2305.18290, equation 7) have it, whichever is trained on."""
    chosen, rejected = logs.sum(dim=1).float().chunk(2)
    apart = (chosen - inputs["ref_chosen_logps"]) - (rejected - inputs["ref_rejected_logps"])
    losses = -functional.logsigmoid(beta * apart)[:, None]
    return Heard(losses, torch.ones_like(losses, dtype=torch.bool))


def _of_labels(logits: torch.Tensor, labels: torch.Tensor) -> Heard:
    """The cross-entropy of each class, or of each hidden token."""
    if labels.ndim == 1:
        losses = functional.cross_entropy(logits.float(), labels, reduction="none")[:, None]
        return Heard(losses, torch.ones_like(losses, dtype=torch.bool))
    learned = labels != IGNORED
    losses = torch.zeros(labels.shape, device=logits.device)
    own = logits[:, -labels.shape[1] :]  # a soft prompt stands before them
    losses[learned] = functional.cross_entropy(own[learned].float(), labels[learned], reduction="none")
    return Heard(losses, learned)


def _records(step: int, batch: Batch, heard: Heard) -> Iterator[tuple[int, int, int, float]]:
    losses, learned = heard.losses.float().cpu().numpy(), heard.learned.cpu().numpy()
    for place, (line, start, end) in zip(batch.places, _stretches(batch, losses.shape), strict=True):
        tokens = int(learned[line, start:end].sum())
        if tokens:
            yield step, place, tokens, float(losses[line, start:end].sum()) / tokens


def _stretches(batch: Batch, shape: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
    """Of each row: in which line its losses stand, and from where to where. A loss stands one before its token, so that
    of packed rows the first token of the second belongs to where the first one ends."""
    lines, width = shape
    if batch.lengths is None:
        yield from ((line, 0, width) for line in range(lines))
        return
    packed = batch.lengths
    if lines < len(packed):  # laid end to end, without padding
        packed = [[length for some in packed for length in some]]
    for line, lengths in enumerate(packed):
        ends = np.cumsum(lengths) - 1
        starts = np.maximum(ends - np.array(lengths), 0)
        yield from zip([line] * len(lengths), starts.tolist(), ends.tolist(), strict=True)
