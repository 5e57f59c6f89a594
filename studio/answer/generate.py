"""Writing answers: rows that may share a pass in one, the others in passes that take turns token by token."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer

from studio.answer.baton import Baton, Turn
from studio.answer.sampling import Chances, RowSampler, Token
from studio.answer.stopped import Stopped

if TYPE_CHECKING:
    from studio.answer.settings import Settings
    from studio.answer.voices import Seat

BASE_ROW = "__base__"  # PEFT's name for a row that no adapter touches

Heard = Callable[[dict[int, Token]], None]


@dataclass(frozen=True)
class Row:
    """A conversation to go on with, and who does."""

    ids: list[int]
    seat: Seat


def generate(
    rows: Sequence[Row],
    settings: Settings,
    heard: Heard,
    stopped: Callable[[], bool],
    baton: Baton | None = None,
    asker: str = "",
) -> None:
    """Write all answers at the same time.

    Rows whose seats say so are one call of transformers' `generate`. Each other pass is a call of its own in a thread
    of its own, and a baton lets them take turns: nothing but the order of the steps differs from separate runs. Passes
    of seats that answer in turn come after the others.

    Args:
        rows: what goes on.
        settings: how tokens are chosen, and how many there may be.
        heard: gets {row: token} after each step, with the rows that have not ended; an answer's end token is heard too.
            It is called by one thread at a time.
        stopped: asked after each step; ends everything when true.
        baton: shared by all who generate at the same time, so that only one computes.
        asker: for whom, in the baton's count of whose turn it is.

    Raises:
        Exception: whatever a pass met, when all have ended.
    """
    speech = _Speech(settings, heard, stopped, baton or Baton(), asker)
    passes = [_Pass([rows[i] for i in members], members) for members in _passes(rows)]
    speech.speak([one for one in passes if not one.seat.in_turn])
    for one in passes:
        if one.seat.in_turn:
            speech.speak([one])


@dataclass(frozen=True)
class _Pass:
    """Rows of one call of `generate`, and their places among all."""

    rows: list[Row]
    members: list[int]

    @property
    def seat(self) -> Seat:
        """The one whose model has the adapters of all rows."""
        return next((row.seat for row in self.rows if row.seat.adapter), self.rows[0].seat)


@dataclass(frozen=True)
class _Speech:
    """What all passes of a question have in common."""

    settings: Settings
    heard: Heard
    stopped: Callable[[], bool]
    baton: Baton
    asker: str

    def speak(self, passes: list[_Pass]) -> None:
        """Let all speak, in turns; the first error ends the others."""
        failed = threading.Event()

        def over() -> bool:
            return failed.is_set() or self.stopped()

        def run(one: _Pass) -> None:
            try:
                with self.baton.held(self.asker) as turn:
                    if not over():
                        self._generate(one, turn, over)
            except BaseException:
                failed.set()
                raise

        if len(passes) == 1:
            run(passes[0])
        elif passes:
            with ThreadPoolExecutor(len(passes), "pass") as threads:
                for ended in [threads.submit(run, one) for one in passes]:
                    ended.result()

    def _generate(self, one: _Pass, turn: Turn, over: Callable[[], bool]) -> None:
        seat, model = one.seat, one.seat.model()
        ids, mask = _left_padded([row.ids for row in one.rows], seat.pad)
        chances = Chances()
        sampler = [] if self.settings.greedy else [RowSampler(self.settings, len(one.rows), model.device)]
        model.generate(
            input_ids=ids.to(model.device),
            attention_mask=mask.to(model.device),
            generation_config=GenerationConfig(  # type: ignore[no-untyped-call]
                max_new_tokens=self.settings.max_new_tokens,
                do_sample=False,
                eos_token_id=sorted(seat.ends),
                pad_token_id=seat.pad,
            ),
            logits_processor=LogitsProcessorList([chances, *sampler]),
            stopping_criteria=StoppingCriteriaList([Stopped(over)]),
            streamer=_Steps(seat.ends, one.members, chances, self.heard, turn),
            **({"adapter_names": [row.seat.adapter or BASE_ROW for row in one.rows]} if seat.adapter else {}),
        )


def _passes(rows: Sequence[Row]) -> list[list[int]]:
    """The places of the rows that share a pass."""
    passes: dict[Hashable, list[int]] = {}
    for place, row in enumerate(rows):
        seat = row.seat
        whose = id(seat) if seat.together is None else seat.together
        key = (seat.together is None, whose, seat.ends, seat.pad, 0 if seat.pads else len(row.ids))
        passes.setdefault(key, []).append(place)
    return list(passes.values())


def _left_padded(rows: list[list[int]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, rows))
    ids = [[pad] * (width - len(row)) + row for row in rows]
    mask = [[0] * (width - len(row)) + [1] * len(row) for row in rows]
    return torch.tensor(ids), torch.tensor(mask)


class _Steps(BaseStreamer):  # type: ignore[misc]
    """Hears the tokens of a whole batch at each step, and leaves out rows that have ended: they only pad.

    After each step others may have a turn.
    """

    def __init__(self, ends: frozenset[int], members: list[int], chances: Chances, heard: Heard, turn: Turn) -> None:
        self._ends = ends
        self._open = dict(enumerate(members))
        self._chances = chances
        self._heard = heard
        self._turn = turn
        self._prompt_came = False

    def put(self, value: torch.Tensor) -> None:
        if not self._prompt_came:
            self._prompt_came = True  # `generate` begins with the prompts
            return
        tokens = self._chances.of(value)
        step = {row: tokens[place] for place, row in self._open.items()}
        self._open = {place: row for place, row in self._open.items() if tokens[place].id not in self._ends}
        self._heard(step)
        if self._open:
            self._turn.between()

    def end(self) -> None:
        """Nothing is held back here."""
