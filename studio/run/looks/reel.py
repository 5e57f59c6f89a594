"""What the film strip asks, as tokens, and the answers of the model in training to it, greedily."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import GenerationConfig, PreTrainedTokenizerBase, StoppingCriteria, StoppingCriteriaList

from studio.data.example import Example, Examples
from studio.data.tokens.encode import encode, prompt_messages
from studio.recipe.recipe import Recipe
from studio.run.looks.film import Asked
from studio.run.looks.probes import evenly

LONGEST_PROMPT = 1024  # tokens: a longer one takes too much time for a film strip
OPENING = 32  # tokens of a plain text that are given, to see how it goes on
MOST_BYTES = 6000  # of all answers of a frame: an event is read in one go
FEWEST = 8  # tokens of an answer


@dataclass(frozen=True)
class Scene:
    """A prompt of the film strip, and its tokens."""

    asked: Asked
    ids: list[int]


def scenes(recipe: Recipe, held_out: Examples, tokenizer: PreTrainedTokenizerBase) -> list[Scene]:
    """The pinned prompts and some held-out rows, at equal distances, each through the template of training. Those that
    are too long or that the template refuses are left out."""
    longest = min(LONGEST_PROMPT, recipe.training.max_length)
    plain = held_out.type == "language modeling" and not held_out.has("messages")
    found = [_pinned(f"p{n}", text, recipe, tokenizer, plain) for n, text in enumerate(recipe.looks.pinned, 1)]
    places = evenly(len(held_out), recipe.looks.held_out_rows) if recipe.looks.held_out_rows else []
    found += _held_out(held_out.take(places), tokenizer)
    return [scene for scene in found if scene is not None and 0 < len(scene.ids) <= longest]


def _pinned(id: str, text: str, recipe: Recipe, tokenizer: PreTrainedTokenizerBase, plain: bool) -> Scene | None:
    if plain:
        return Scene(Asked(id=id, prompt=text), list(tokenizer(text)["input_ids"]))
    system = recipe.data.mapped.system_prompt
    spoken = [*prompt_messages(text, system), {"role": "assistant", "content": "."}]
    example = Example(0, text, ".", messages=json.dumps(spoken) if system else "")
    encoded = encode([example], tokenizer, train_on="last answer")
    return Scene(Asked(id=id, prompt=text), encoded.input_ids[0][: encoded.prompts[0]]) if len(encoded) else None


def _held_out(rows: Examples, tokenizer: PreTrainedTokenizerBase) -> list[Scene | None]:
    encoded = encode(rows, tokenizer, train_on="last answer")
    examples = {example.row: example for example in rows}
    found: list[Scene | None] = []
    for row, ids, start in zip(encoded.rows, encoded.input_ids, encoded.prompts, strict=True):
        example = examples[row]
        asked, said = example.prompt, example.completion
        if not start:  # a plain text: its beginning is given
            start = min(OPENING, len(ids) // 2)
            asked, said = (str(tokenizer.decode(part, skip_special_tokens=True)) for part in (ids[:start], ids[start:]))
        found.append(Scene(Asked(id=f"r{row}", prompt=asked, reference=said, kind="held-out"), ids[:start]))
    return found


class _Heeds(StoppingCriteria):  # type: ignore[misc]
    """Between two tokens looks whether somebody wants the run to end."""

    def __init__(self, heed: Callable[[], None], rows: int, device: Any) -> None:
        self._heed = heed
        self._go_on = torch.zeros(rows, dtype=torch.bool, device=device)

    def __call__(self, *_: Any, **__: Any) -> torch.Tensor:
        self._heed()
        return self._go_on


def frame(
    model: Any, every: Sequence[Scene], tokenizer: PreTrainedTokenizerBase, tokens: int, heed: Callable[[], None]
) -> dict[str, str]:
    """The greedy answer of the model as it is to each prompt, by its id, of at most so many tokens. `heed` is called
    between tokens, and may raise."""
    soft = bool(getattr(model, "active_peft_config", None)) and model.active_peft_config.is_prompt_learning
    batches = [[scene] for scene in every] if soft else [list(every)]  # virtual tokens want no padding behind them
    room = MOST_BYTES // max(1, len(every))
    found: dict[str, str] = {}
    for batch in batches:
        for scene, text in zip(batch, _answers(model, batch, tokenizer, tokens, heed), strict=True):
            found[scene.asked.id] = text.encode()[:room].decode("utf-8", "ignore")
    return found


def _answers(
    model: Any, batch: Sequence[Scene], tokenizer: PreTrainedTokenizerBase, tokens: int, heed: Callable[[], None]
) -> list[str]:
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
    longest = max(len(scene.ids) for scene in batch)
    ids = torch.tensor([[pad] * (longest - len(s.ids)) + s.ids for s in batch], device=model.device)
    seen = torch.tensor([[0] * (longest - len(s.ids)) + [1] * len(s.ids) for s in batch], device=model.device)
    ends = model.generation_config.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    greedy = GenerationConfig(  # type: ignore[no-untyped-call]
        max_new_tokens=max(FEWEST, tokens),
        do_sample=False,
        use_cache=True,
        pad_token_id=pad,
        eos_token_id=sorted({end for end in (*ends, tokenizer.eos_token_id) if end is not None}) or None,
    )
    heeding = StoppingCriteriaList([_Heeds(heed, len(batch), model.device)])
    whole = model.generate(input_ids=ids, attention_mask=seen, generation_config=greedy, stopping_criteria=heeding)
    return list(tokenizer.batch_decode(whole[:, longest:], skip_special_tokens=True))
