"""Which characters of a rendered conversation are answers that are learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from studio.data.example import Message
from studio.data.tokens.render import Renderer

TrainOn = Literal["every answer", "last answer"]
Span = tuple[int, int]

REWRITES = (
    "This chat template writes earlier turns differently once the conversation goes on (as some do with thoughts), so "
    "only the last answer of a conversation is learned from."
)


@dataclass(frozen=True)
class Rendered:
    """A conversation as text, and the characters [from, to) that are learned from, in order.

    `prompt` is the text up to the last answer where tokens have to tell where that answer starts, and empty where the
    spans say it all.
    """

    text: str
    spans: tuple[Span, ...]
    prompt: str = ""


def rendered(
    renderer: Renderer, messages: Sequence[Message], tools: str = "", train_on: TrainOn = "every answer",
    by_markers: bool = False,
) -> Rendered:  # fmt: skip
    """The conversation with its answers found, by the template's own markers or by rendering it turn by turn.

    Raises RefusedError where the template cannot render it.
    """
    answers = [i for i, each in enumerate(messages) if each["role"] == "assistant"]
    wanted = [i for i in answers if messages[i].get("weight") != 0]
    if train_on == "last answer":
        wanted = [i for i in wanted if i == answers[-1]]
    spoken = renderer.ready(messages)
    shift = len(messages) - len(spoken)  # a system prompt that moved into the first question
    if by_markers and renderer.has_markers:
        text, spans = renderer.marked(spoken, tools)
        own = _own_spans(spans, len(answers))
        if own is not None:
            return Rendered(text, tuple(span for i, span in zip(answers, own, strict=True) if i in wanted))
        if wanted == answers:
            return Rendered(text, tuple(spans))
    return _turn_by_turn(renderer, spoken, tools, [i - shift for i in wanted])


def _own_spans(spans: list[Span], answers: int) -> list[Span] | None:
    """A span for each answer, those that touch taken as one where needed; None where they do not come out even."""
    if len(spans) == answers:
        return spans
    joined: list[Span] = []
    for start, end in spans:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined if len(joined) == answers else None


def _turn_by_turn(renderer: Renderer, spoken: list[Message], tools: str, wanted: list[int]) -> Rendered:
    whole = renderer.text(spoken, tools)
    spans: list[Span] = []
    for i in wanted:
        before = renderer.text(spoken[:i], tools, goes_on=True)
        after = whole if i == len(spoken) - 1 else renderer.text(spoken[: i + 1], tools)
        if not whole.startswith(after) or not whole.startswith(before):
            return _only_last(renderer, spoken, tools, wanted, whole)
        spans.append((len(before), len(after)))
    return Rendered(whole, tuple(spans))


def _only_last(renderer: Renderer, spoken: list[Message], tools: str, wanted: list[int], whole: str) -> Rendered:
    """The last answer alone, up to the end. Where even its prompt is written otherwise, tokens tell where it starts."""
    last = max(i for i, each in enumerate(spoken) if each["role"] == "assistant")
    if len(wanted) > 1 or wanted != [last]:
        renderer.notes[REWRITES] = None
    if last not in wanted:
        return Rendered(whole, ())
    cut = renderer.text(spoken[: last + 1], tools)  # what follows the last answer teaches nothing
    return Rendered(cut, ((0, len(cut)),), renderer.text(spoken[:last], tools, goes_on=True))
