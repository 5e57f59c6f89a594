"""Writing answers: rows of base and tuned model, in one pass where they share the weights and that is exact."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from peft import LoraConfig, PeftConfig, PeftModel, PeftType
from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer

from studio.answer.sampling import RowSampler

if TYPE_CHECKING:
    from studio.answer.settings import Settings
    from studio.answer.voices import Voices

BASE_ROW = "__base__"  # PEFT's name for a row that no adapter touches

Heard = Callable[[dict[int, int]], None]


@dataclass(frozen=True)
class Row:
    """A conversation to go on with. `tuned` says whether the adapter takes part."""

    ids: list[int]
    tuned: bool


def may_share_a_pass(config: PeftConfig) -> bool:
    """Whether rows of base and tuned model can be in one batch, with the texts that separate runs would give.

    This is the one place that says so. PEFT mixes rows exactly for LoRA; for DoRA it raises, and for other kinds of
    adapters the base's row is wrong without a word, so those answer in turn.
    """
    if not isinstance(config, LoraConfig) or config.peft_type != PeftType.LORA:  # AdaLoRA's is one by inheritance
        return False
    return not (config.use_dora or config.target_parameters or config.alora_invocation_tokens)


def generate(
    voices: Voices, rows: Sequence[Row], settings: Settings, heard: Heard, stopped: Callable[[], bool]
) -> None:
    """Write all answers; `heard` gets {row: token} after each step, with the rows that have not ended.

    An answer's end token is heard too. `stopped` is asked after each step and ends everything when true.
    """
    for members in _passes(voices, rows):
        if not stopped():
            _one_pass(voices, [rows[i] for i in members], settings, _Steps(voices.ends, members, heard), stopped)


def may_be_padded(config: PeftConfig) -> bool:
    """Whether prompts of different lengths can be in one batch, with the texts that separate runs would give.

    Padding stands between the virtual tokens of prompt tuning and P-tuning and the prompt, and PEFT counts it as
    places, so the prompt would be further away than in training. Prefix tuning's places are in the cache, before it.
    """
    return not config.is_prompt_learning or config.peft_type == PeftType.PREFIX_TUNING


def _passes(voices: Voices, rows: Sequence[Row]) -> Iterator[list[int]]:
    config = voices.model.active_peft_config if voices.adapter else None
    if config is not None and may_share_a_pass(config):
        yield list(range(len(rows)))
        return
    for tuned in voices.speakers.order():
        members = [i for i, row in enumerate(rows) if row.tuned is tuned]
        if tuned and config is not None and not may_be_padded(config):
            for length in dict.fromkeys(len(rows[i].ids) for i in members):
                yield [i for i in members if len(rows[i].ids) == length]
        elif members:
            yield members


def _one_pass(voices: Voices, rows: list[Row], settings: Settings, steps: _Steps, stopped: Callable[[], bool]) -> None:
    model = voices.speakers.model(rows[0].tuned)
    ids, mask = _left_padded([row.ids for row in rows], voices.pad)
    sampler = [] if settings.greedy else [RowSampler(settings, len(rows), model.device)]
    who, names = _speakers(voices, model, rows)
    with who:
        model.generate(
            input_ids=ids.to(model.device),
            attention_mask=mask.to(model.device),
            generation_config=GenerationConfig(  # type: ignore[no-untyped-call]
                max_new_tokens=settings.max_new_tokens,
                do_sample=False,
                eos_token_id=sorted(voices.ends),
                pad_token_id=voices.pad,
            ),
            logits_processor=LogitsProcessorList(sampler),
            stopping_criteria=StoppingCriteriaList([_Stopped(stopped)]),
            streamer=steps,
            **names,
        )


def _speakers(voices: Voices, model: Any, rows: list[Row]) -> tuple[AbstractContextManager[Any], dict[str, Any]]:
    """Who speaks in a pass: only the base, only the tuned model, or row by row."""
    if not any(row.tuned for row in rows):
        return without_adapter(model), {}
    if all(row.tuned for row in rows):
        return nullcontext(), {}
    return nullcontext(), {"adapter_names": [voices.adapter if row.tuned else BASE_ROW for row in rows]}


def without_adapter(model: Any) -> AbstractContextManager[Any]:
    """The base, whether or not an adapter is on it."""
    has_adapter = isinstance(model, PeftModel)
    return model.disable_adapter() if has_adapter else nullcontext()


def _left_padded(rows: list[list[int]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, rows))
    ids = [[pad] * (width - len(row)) + row for row in rows]
    mask = [[0] * (width - len(row)) + [1] * len(row) for row in rows]
    return torch.tensor(ids), torch.tensor(mask)


class _Steps(BaseStreamer):  # type: ignore[misc]
    """Hears the tokens of a whole batch at each step, and leaves out rows that have ended: they only pad."""

    def __init__(self, ends: frozenset[int], members: list[int], heard: Heard) -> None:
        self._ends = ends
        self._open = dict(enumerate(members))
        self._heard = heard
        self._prompt_came = False

    def put(self, value: torch.Tensor) -> None:
        if not self._prompt_came:
            self._prompt_came = True  # `generate` begins with the prompts
            return
        tokens = value.tolist()
        step = {row: tokens[place] for place, row in self._open.items()}
        self._open = {place: row for place, row in self._open.items() if tokens[place] not in self._ends}
        self._heard(step)

    def end(self) -> None:
        """Nothing is held back here."""


class _Stopped(StoppingCriteria):  # type: ignore[misc]
    def __init__(self, stopped: Callable[[], bool]) -> None:
        self._stopped = stopped

    def __call__(self, input_ids: torch.Tensor, scores: Any, **kwargs: Any) -> torch.Tensor:
        return torch.full((input_ids.shape[0],), self._stopped(), device=input_ids.device)
