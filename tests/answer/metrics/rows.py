"""Answered rows for tests, without a model."""

from __future__ import annotations

from typing import Any

from studio.answer.evaluation.answered import AnsweredRow, Read
from studio.answer.evaluation.request import BASE, TUNED, Contestant, Request
from studio.answer.metrics.metric import Metric
from studio.answer.metrics.registry import METRICS
from studio.answer.voice import Voice


def metric(name: str) -> Metric:
    return next(each for each in METRICS if each.name == name)


def request(*names: str, **asked: Any) -> Request:
    voice = Voice.of_model("a/model")
    return Request(contestants=tuple(Contestant(name=name, voice=voice) for name in names or (BASE, TUNED)), **asked)


def row(number: int, reference: str, base: str | None = None, tuned: str | None = None, **rest: Any) -> AnsweredRow:
    answers = {name: answer for name, answer in ((BASE, base), (TUNED, tuned)) if answer is not None}
    return AnsweredRow(
        **{"row": number, "prompt": f"question {number}", "reference": reference, "answers": answers} | rest
    )


def rows_of(references: list[str], base: list[str | None], tuned: list[str | None], **rest: Any) -> list[AnsweredRow]:
    return [row(i, *three, **rest) for i, three in enumerate(zip(references, base, tuned, strict=True))]


def read(nats: float, tokens: int) -> Read:
    return Read(nats=nats, tokens=tokens)
