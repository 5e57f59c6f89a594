"""Answers that others gave already: who asks the very same model the very same tokens need not ask again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from studio.answer.evaluation.answers import Learnt, Said, read_answers
from studio.answer.evaluation.folder import Evaluation, baselines, evaluations_of
from studio.answer.wanted import Mix, Wanted, wanted_by
from studio.home import Home
from studio.recipe.models import fetch, locate
from studio.run.base_mark import mark_of

if TYPE_CHECKING:
    from studio.answer.evaluation.contestants import Asked

MODELS = "models.json"  # who answered: {contestant: what tells its model from others, and how long answers may be}
MOST = 40  # evaluations that are looked at, the newest


@dataclass(frozen=True)
class Known:
    """What was found of one contestant, by the mark of what it was asked, and the evaluations that it came from."""

    said: dict[str, Said]
    read: dict[str, Learnt]
    where: tuple[str, ...]


def known_of(evaluation: Evaluation, asked: Asked, model: str) -> Known:
    """The answers and readings of the same model in baselines and in other evaluations of the run.

    An answer that was cut counts only where the limit is the same.
    """
    said: dict[str, Said] = {}
    read: dict[str, Learnt] = {}
    where: list[str] = []
    for each in _others(evaluation):
        same = {who: longest for who, (other, longest) in _models(each).items() if other == model}
        if not same:
            continue
        where.append(each.id)
        for line in read_answers(each.answers_path):
            if line.who not in same or not getattr(line, "asked", ""):
                continue
            if isinstance(line, Learnt):
                read.setdefault(line.asked, line)
            elif isinstance(line, Said) and _would_be_same(line, same[line.who], asked.longest):
                said.setdefault(line.asked, line)
    return Known(said, read, tuple(where))


def _would_be_same(answer: Said, limit: int, new_limit: int) -> bool:
    return limit == new_limit or (answer.ended and answer.tokens < new_limit)


def tell_models(evaluation: Evaluation, models: dict[str, tuple[str, int]]) -> None:
    """Write down who answers, for later evaluations. Raises OSError."""
    draft = evaluation.path / f".{MODELS}"
    draft.write_text(json.dumps(models, indent=1), "utf-8")
    draft.replace(evaluation.path / MODELS)


def model_of(asked: Asked) -> str:
    """What tells the contestant's model from any other: the base's weights, how they are held, and what is on them.

    Empty where that is not known.
    """
    wanted = wanted_by(asked.contestant.voice)
    on_it = _on_it(wanted)
    if on_it is None:
        return ""
    model: Any = asked.seat.model()
    quantization = getattr(model.config, "quantization_config", None)
    base = mark_of(fetch(locate(wanted.recipe.model.id)), wanted.recipe.model.id)
    told = [base.digest, str(model.dtype), model.device.type, str(quantization or ""), on_it]
    return blake2b(json.dumps(told).encode(), digest_size=16).hexdigest() if base.digest else ""


def _on_it(wanted: Wanted) -> str | None:
    """What was learned on the base; None where it cannot be told from others."""
    if isinstance(wanted.adapter, Mix):
        return None
    learned = wanted.adapter or wanted.whole
    return f"{learned.folder} {learned.written} {wanted.voice.strength}" if learned else ""


def _others(evaluation: Evaluation) -> Iterator[Evaluation]:
    run = evaluation.run
    home = Home(run.path.parent.parent if run else evaluation.path.parent.parent)
    found = [*(evaluations_of(run) if run else []), *baselines(home)]
    yield from [each for each in found if each != evaluation][:MOST]


def _models(evaluation: Evaluation) -> dict[str, tuple[str, int]]:
    """Who answered there; nobody where the file is missing or damaged."""
    try:
        told = json.loads((evaluation.path / MODELS).read_bytes())
        return {str(who): (str(model), int(longest)) for who, (model, longest) in told.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
