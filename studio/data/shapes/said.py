"""What the rows of each shape say, as messages: one function a shape, from cells by role."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from studio.data.example import Message
from studio.data.shapes.conversations import Told, is_turn, messages_of, parsed, tools_of
from studio.data.shapes.spoken import Spoken, answer_text
from studio.data.shapes.troubles import UnusableError

Cells = dict[str, Any]
_SPEAKER_LINE = re.compile(r"(?:^|\n\n)(Human|Assistant): ?")


def conversation(default_system: str) -> Callable[[Cells, Told], Iterator[Spoken]]:
    """A conversation in one cell."""

    def said(cells: Cells, told: Told) -> Iterator[Spoken]:
        whole = parsed(cells["messages"])
        inside = whole.get("tools") if isinstance(whole, dict) else None
        tools = tools_of(cells.get("tools") or inside)
        yield Spoken(_with_system(messages_of(whole, told), cells, default_system), tools)

    return said


def pair(default_system: str) -> Callable[[Cells, Told], Iterator[Spoken]]:
    """A prompt and its completion, each a text or a list of messages, after earlier turns where `history` has some.

    Answers within the prompt are not learned from; those of the history are.
    """

    def said(cells: Cells, told: Told) -> Iterator[Spoken]:
        before = _muted(_turns(cells["prompt"], "user", told))
        after = _turns(cells["completion"] if "completion" in cells else _first(cells["answers"]), "assistant", told)
        messages = [*_history(cells.get("history")), *before, *after]
        yield Spoken(_with_system(messages, cells, default_system), tools_of(cells.get("tools")))

    return said


def preference(default_system: str) -> Callable[[Cells, Told], Iterator[Spoken]]:
    """A prompt, the better and the worse answer; without a prompt, it is what both answers begin with."""

    def said(cells: Cells, told: Told) -> Iterator[Spoken]:
        prompt, chosen, rejected = cells.get("prompt"), cells["chosen"], cells["rejected"]
        if "prompt" in cells:
            before = _turns(prompt, "user", told)
            better, worse = _turns(chosen, "assistant", told), _turns(rejected, "assistant", told)
            if len(better) > 1 and better[: len(before)] == before and worse[: len(before)] == before:
                better, worse = better[len(before) :], worse[len(before) :]  # they repeat the prompt
        else:
            before, better, worse = _shared(_dialogue(chosen, told), _dialogue(rejected, told))
        if not better or not worse:
            raise UnusableError("no-preference", "the better or the worse answer is missing")
        inside = parsed(prompt)
        tools = tools_of(cells.get("tools") or (inside.get("tools") if isinstance(inside, dict) else None))
        messages = _with_system([*_muted(before), *better], cells, default_system)
        yield Spoken(messages, tools, answer_text(worse[-1]))

    return said


def instances(default_system: str) -> Callable[[Cells, Told], Iterator[Spoken]]:
    """An instruction with a list of {input, output}: an example for each."""

    def said(cells: Cells, told: Told) -> Iterator[Spoken]:
        listed = parsed(cells["instances"])
        if not isinstance(listed, list) or not listed:
            raise UnusableError("broken-document", "the row has no list of instances")
        for each in listed:
            if not isinstance(each, dict) or not isinstance(each.get("output"), str):
                raise UnusableError("broken-document", "an instance has no output")
            asked = under(str(cells["prompt"] or ""), str(each.get("input") or ""))
            messages = [{"role": "user", "content": asked}, {"role": "assistant", "content": each["output"]}]
            yield Spoken(_with_system(messages, cells, default_system))

    return said


def paragraphs(default_system: str) -> Callable[[Cells, Told], Iterator[Spoken]]:
    """SQuAD's documents: each question with its context under it, and the first answer."""

    def said(cells: Cells, told: Told) -> Iterator[Spoken]:
        listed = parsed(cells["paragraphs"])
        if not isinstance(listed, list) or not listed:
            raise UnusableError("broken-document", "the document has no list of paragraphs")
        for paragraph in listed:
            for question, answer in _questions(paragraph, told):
                asked = under(question, str(paragraph.get("context") or "").strip())
                messages = [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
                yield Spoken(_with_system(messages, cells, default_system))

    return said


def under(prompt: str, rest: str) -> str:
    """The prompt, with the rest under it after a blank line where there is any."""
    return f"{prompt}\n\n{rest}" if rest.strip() else prompt


def _questions(paragraph: Any, told: Told) -> Iterator[tuple[str, str]]:
    asked = paragraph.get("qas") if isinstance(paragraph, dict) else None
    if not isinstance(asked, list):
        raise UnusableError("broken-document", "a paragraph has no list of questions (qas)")
    for each in asked:
        if not isinstance(each, dict) or not isinstance(each.get("question"), str):
            raise UnusableError("broken-document", "a question has no text")
        answers = each.get("answers")
        first = answers[0] if isinstance(answers, list) and answers else None
        if isinstance(first, dict) and isinstance(first.get("text"), str):
            yield each["question"], first["text"]
        else:
            told("no-real-answer")


def _first(cell: Any) -> str:
    """The first of several answers: of a list, or of SQuAD's `{"text": [...]}`. Raises UnusableError for none."""
    listed = parsed(cell)
    if isinstance(listed, dict):
        listed = listed.get("text")
    texts = [text for text in listed if isinstance(text, str)] if isinstance(listed, list) else []
    if not texts:
        raise UnusableError("no-answer-listed")
    return texts[0]


def _turns(cell: Any, role: str, told: Told) -> list[Message]:
    """A text as one turn of that role; messages as they are."""
    found = parsed(cell)
    if isinstance(found, (list, dict)) and (not isinstance(cell, str) or is_turn(found) or _is_list_of_turns(found)):
        return messages_of(found, told)
    return [{"role": role, "content": "" if cell is None else str(cell)}]


def _is_list_of_turns(cell: Any) -> bool:
    return isinstance(cell, list) and bool(cell) and is_turn(cell[0])


def _history(cell: Any) -> list[Message]:
    listed = parsed(cell)
    if listed in (None, "", []):
        return []
    if not isinstance(listed, list) or not all(isinstance(each, list) and len(each) == 2 for each in listed):
        raise UnusableError("broken-turn", "its history is no list of pairs of a question and its answer")
    return [
        {"role": role, "content": "" if text is None else str(text)}
        for each in listed
        for role, text in zip(("user", "assistant"), each, strict=True)
    ]


def _with_system(messages: list[Message], cells: Cells, default: str) -> list[Message]:
    """The messages after the row's own system prompt, or the one of the recipe, or none."""
    own = cells.get("system")
    if messages and messages[0]["role"] == "system" and messages[0]["content"].strip():
        return messages
    text = own if isinstance(own, str) and own.strip() else default
    return [{"role": "system", "content": text}, *messages] if text.strip() else messages


def _muted(messages: list[Message]) -> list[Message]:
    return [{**each, "weight": 0} if each["role"] == "assistant" else each for each in messages]


def _dialogue(cell: Any, told: Told) -> list[Message]:
    """A preference's whole dialogue: messages, a text with lines of Human and Assistant, or one answer."""
    if isinstance(cell, str) and _SPEAKER_LINE.match(cell):
        _, *parts = _SPEAKER_LINE.split(cell)
        roles = {"Human": "user", "Assistant": "assistant"}
        return [{"role": roles[who], "content": text} for who, text in zip(parts[::2], parts[1::2], strict=True)]
    return _turns(cell, "assistant", told)


def _shared(better: list[Message], worse: list[Message]) -> tuple[list[Message], list[Message], list[Message]]:
    """What both begin with, and how each goes on."""
    same = next(
        (i for i, (a, b) in enumerate(zip(better, worse, strict=False)) if a != b), min(len(better), len(worse))
    )
    if same or len(better) > 1:
        return better[:same], better[same:], worse[same:]
    texts = better[0]["content"], worse[0]["content"]
    start = texts[0][: next((i for i, (a, b) in enumerate(zip(*texts, strict=False)) if a != b), min(map(len, texts)))]
    start = start[: max(start.rfind(" "), start.rfind("\n")) + 1]  # no word is cut in two
    if not start.strip():
        raise UnusableError("no-preference", "there is no prompt, and the two answers begin differently")
    first, second = ({"role": "assistant", "content": text[len(start) :]} for text in texts)
    return [{"role": "user", "content": start.strip()}], [first], [second]
