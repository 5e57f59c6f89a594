"""Probes as tokens, and which of them a model has right: read in batches, answers included, so nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import log
from typing import Any, NamedTuple

import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedTokenizerBase

from studio.data.example import Example
from studio.data.tokens.encode import encode
from studio.run.looks.probes import Probe

BATCH = 64  # probes read at once
SURE = 0.5  # probability of a token, above which it is likelier than all others together
MOST_LOGITS = 2**27  # of one batch: half a GiB in float32


@dataclass(frozen=True)
class Sheet:
    """A probe as tokens; the first `start` are its prompt."""

    family: str
    ids: list[int]
    start: int


@dataclass(frozen=True)
class Marks:
    """What came of reading the probes: mean loss over all tokens of their answers, in nats, and which were right: every
    token the likeliest; `sure` says which of them not just by a hair: each token likelier than all others together.
    Both by family, in the order of the probes, as a text of 1 and 0."""

    loss: float
    right: dict[str, str]
    sure: dict[str, str] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Share of the probes that are right."""
        every = "".join(self.right.values())
        return every.count("1") / len(every)

    def values(self) -> dict[str, float]:
        """As metrics: `probe_loss`, `probe_right` and the share of each family as `probe/FAMILY`."""
        shares = {f"probe/{name}": marks.count("1") / len(marks) for name, marks in self.right.items()}
        return {"probe_loss": self.loss, "probe_right": self.share, **shares}


def sheets(probes: Sequence[Probe], tokenizer: PreTrainedTokenizerBase, longest: int) -> list[Sheet]:
    """The probes as tokens, through the template of training where they are questions. Those that have no answer then,
    or are longer than `longest` tokens, are left out.

    What follows the answer, such as the mark of its end, does not count: a base need not know that yet.
    """
    spoken = [Example(row, each.prompt, each.completion) for row, each in enumerate(probes) if not each.plain]
    encoded = encode(spoken, tokenizer) if spoken else None
    found: dict[int, Sheet] = {}
    special = set(tokenizer.all_special_ids)
    for row, ids, start in zip(encoded.rows, encoded.input_ids, encoded.prompts, strict=True) if encoded else ():
        end = next((at for at in range(start, len(ids)) if ids[at] in special), len(ids))
        found[row] = Sheet(probes[row].family, ids[:end], int(start))
    for row, each in enumerate(probes):
        if each.plain:
            asked = list(tokenizer(each.prompt)["input_ids"])
            said = list(tokenizer(each.completion, add_special_tokens=False)["input_ids"])
            if asked and asked[-1] == tokenizer.eos_token_id:  # some tokenizers end every text
                asked.pop()
            found[row] = Sheet(each.family, asked + said, len(asked))
    return [found[row] for row in sorted(found) if 0 < found[row].start < len(found[row].ids) <= longest]


def marks(model: Any, every: Sequence[Sheet], pad: int, heed: Callable[[], None]) -> Marks:
    """Read the probes with the model as it is. `heed` is called before each batch, and may raise."""
    order = sorted(range(len(every)), key=lambda at: len(every[at].ids))
    vocabulary = int(model.config.get_text_config().vocab_size)
    losses, right, sure = 0.0, [""] * len(every), [""] * len(every)
    while order:
        longest = len(every[order[-1]].ids)
        count = max(1, min(BATCH, len(order), MOST_LOGITS // (longest * vocabulary)))
        batch, order = order[-count:], order[:-count]  # the longest first: memory is short at once or never
        heed()
        for at, read in zip(batch, _read(model, [every[at] for at in batch], pad), strict=True):
            losses += read.loss
            right[at], sure[at] = str(int(read.right)), str(int(read.sure))
    tokens = sum(len(sheet.ids) - sheet.start for sheet in every)
    return Marks(losses / tokens, _by_family(every, right), _by_family(every, sure))


def _by_family(every: Sequence[Sheet], each: Sequence[str]) -> dict[str, str]:
    found = dict.fromkeys((sheet.family for sheet in every), "")
    for sheet, mark in zip(every, each, strict=True):
        found[sheet.family] += mark
    return found


class _Read(NamedTuple):
    """Of a probe the loss of its answer's tokens in nats, summed up, and whether the answer was right, and surely."""

    loss: float
    right: bool
    sure: bool


def _read(model: Any, batch: Sequence[Sheet], pad: int) -> list[_Read]:
    longest = max(len(sheet.ids) for sheet in batch)
    ids = torch.tensor([sheet.ids + [pad] * (longest - len(sheet.ids)) for sheet in batch], device=model.device)
    seen = torch.tensor([[1] * len(s.ids) + [0] * (longest - len(s.ids)) for s in batch], device=model.device)
    logits = model(input_ids=ids, attention_mask=seen, use_cache=False).logits[:, -longest:]  # behind virtual tokens
    found = []
    for row, sheet in enumerate(batch):
        said = ids[row, sheet.start : len(sheet.ids)]
        each = logits[row, sheet.start - 1 : len(sheet.ids) - 1].float()
        losses = cross_entropy(each, said, reduction="none")
        right, sure = (each.argmax(-1) == said).all(), (losses < -log(SURE)).all()
        found.append(_Read(float(losses.sum()), bool(right), bool(sure)))
    return found
