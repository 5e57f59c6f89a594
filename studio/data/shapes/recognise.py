"""What the rows of a file are, recognised from its columns' names and from what they hold, with the reason."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from studio.data.example import ExampleType
from studio.data.shapes.contents import classes, is_truth, text_and_label
from studio.data.shapes.conversations import is_turn
from studio.data.shapes.mapping import Format, Mapping, plain_name
from studio.data.shapes.needs import needs
from studio.data.shapes.seen import Columns, Seen
from studio.data.shapes.usual import (
    ANSWERS,
    COMPLETIONS,
    CONTINUED,
    CONVERSATIONS,
    HISTORIES,
    INPUTS,
    LABELS,
    LIKED,
    PREFERENCES,
    PROMPTS,
    TEXTS,
)
from studio.data.table import Table
from studio.data.wording import counted, listed, quoted
from studio.errors import StudioError

SHOWN_CLASSES = 4


def recognised(table: Table, taken: Iterable[str] = ()) -> Mapping:
    """What the rows are.

    Raises StudioError with a sentence on what the file needs.
    """
    seen = Seen(table, frozenset(taken))
    for shape in (preference, _pairs_before_messages, conversation, pairs, answered, documents, plain_text, labelled):
        mapping = shape(seen)
        if mapping is not None:
            return mapping
    raise StudioError(f"{quoted(table.name)}: {needs(seen)}")


def preference(seen: Seen) -> Mapping | None:
    """A better and a worse answer."""
    for better, worse in PREFERENCES:
        chosen, rejected = seen.first([better]), seen.first([worse])
        if chosen and rejected:
            return preference_of(seen, chosen, rejected)
    return None


def preference_of(seen: Seen, chosen: str, rejected: str, hand: Columns | None = None) -> Mapping:
    """The preference with these two columns; `hand` may hold the prompt's."""
    columns: Columns = {"chosen": chosen, "rejected": rejected}
    before = (hand or {}).get("prompt") or next(
        (name for name in map(seen.first, ([name] for name in CONVERSATIONS)) if seen.is_messages(name)), None
    )
    prompt = before or seen.first(PROMPTS)
    said = f"{quoted(chosen)} is the better answer and {quoted(rejected)} the worse one, by the columns' names. "
    if prompt and prompt not in (chosen, rejected):
        columns["prompt"] = prompt
        said += f"{quoted(prompt)} is what was asked."
    else:
        said += "What both begin with is what was asked."
    said += seen.with_extras(columns)
    talk = any(_spoken(seen, column) for column in (prompt, chosen) if column)
    kind: Format = "conversational" if talk or "system" in columns or "prompt" not in columns else "standard"
    return Mapping("preference", kind, columns, said + seen.unused(columns))


def conversation(seen: Seen) -> Mapping | None:
    """A whole conversation in one column."""
    named = [seen.plain[name] for name in CONVERSATIONS if name in seen.plain]
    others = [name for name in seen.table.nested if name not in named and name not in seen.taken]
    column = next((name for name in [*named, *others] if seen.is_messages(name)), None)
    return None if column is None else conversation_of(seen, column, "it holds lists of messages")


def conversation_of(seen: Seen, column: str, why: str) -> Mapping:
    """The conversations of this column."""
    columns: Columns = {"messages": column}
    said = f"{quoted(column)} is the conversation, because {why}." + seen.with_extras(columns)
    said += _liked(seen, columns)
    return Mapping("language modeling", "conversational", columns, said + seen.unused(columns))


def pairs(seen: Seen) -> Mapping | None:
    """A prompt and a completion by their usual names."""
    prompt, completion = seen.first(PROMPTS), seen.first(COMPLETIONS)
    if prompt is None or completion is None or not _answers(seen, prompt) or not _answers(seen, completion):
        return None
    why = f"{quoted(prompt)} is asked and {quoted(completion)} is answered, by the columns' names."
    return pairs_of(seen, {"prompt": prompt, "completion": completion}, why)


def pairs_of(seen: Seen, columns: Columns, why: str) -> Mapping:
    """The pairs of these columns, with what else belongs to them."""
    columns = dict(columns)
    prompt, completion = columns.get("prompt"), columns.get("completion")
    why += _rest_of_prompt(seen, columns) if prompt else ""
    why += seen.with_extras(columns)
    if completion and plain_name(completion) in LABELS and (found := classes(seen.table, completion)):
        columns["label"] = completion
        why += f" {quoted(completion)} is a class: {_classes_shown(found)}."
    elif completion:
        why += _liked(seen, columns)
    talk = any(_spoken(seen, name) for name in (prompt, completion) if name)
    kind: Format = "conversational" if talk or {"system", "history"} & set(columns) else "standard"
    type_: ExampleType = "language modeling" if "history" in columns else "prompt-completion"
    return Mapping(type_, kind, columns, why + seen.unused(columns))


def answered(seen: Seen) -> Mapping | None:
    """A prompt with a list of answers, as in SQuAD."""
    prompt, answers = seen.first(PROMPTS), seen.first(ANSWERS)
    if prompt is None or answers is None or not seen.is_text(prompt) or not seen.holds(answers, _lists_texts):
        return None
    why = f"{quoted(prompt)} is asked and the first of {quoted(answers)} is answered, by the columns' names."
    return pairs_of(seen, {"prompt": prompt, "answers": answers}, why)


def documents(seen: Seen) -> Mapping | None:
    """Rows that hold several examples: SQuAD's documents, self-instruct's instances."""
    for name in seen.table.nested:
        if name not in seen.taken and seen.holds(name, lambda cell: _lists_objects_with(cell, "qas")):
            columns: Columns = {"paragraphs": name}
            why = (
                f"{quoted(name)} holds documents with questions (as in SQuAD): an example for each question, its "
                "context under it, answered by its first answer."
            )
            return Mapping("prompt-completion", "standard", columns, why + seen.unused(columns))
        prompt = seen.first(PROMPTS)
        if prompt and seen.holds(name, lambda cell: _lists_objects_with(cell, "output")):
            columns = {"prompt": prompt, "instances": name}
            why = (
                f"{quoted(prompt)} is asked, with the input of each item in {quoted(name)} under it, and the item's "
                "output is answered: an example for each item."
            )
            return Mapping("prompt-completion", "standard", columns, why + seen.unused(columns))
    return None


def plain_text(seen: Seen) -> Mapping | None:
    """One column of text to go on pretraining with."""
    column = seen.first(TEXTS)
    if column is None and len(seen.table.columns) == 1 and seen.table.format == "text":
        column = seen.table.columns[0]
    prompt = seen.first([name for name in PROMPTS if name not in TEXTS])
    if column is None or prompt or not seen.is_text(column):
        return None
    return text_of(seen, column, "it holds texts and no column answers it")


def text_of(seen: Seen, column: str, why: str) -> Mapping:
    """The plain text of this column."""
    columns: Columns = {"text": column}
    reason = f"{quoted(column)} is plain text to go on pretraining with (language modeling), because {why}."
    return Mapping("language modeling", "standard", columns, reason + seen.unused(columns))


def _pairs_before_messages(seen: Seen) -> Mapping | None:
    """Pairs, where the names of both columns are plain; a class beside a conversation is no answer to it."""
    completion = seen.first(COMPLETIONS)
    if completion is None or plain_name(completion) in {*LABELS, *map(plain_name, LIKED)}:
        return None
    return pairs(seen)


def labelled(seen: Seen) -> Mapping | None:
    """A text and its class in two columns whose names say nothing."""
    found = None if seen.taken else text_and_label(seen.table)
    if found is None:
        return None
    text, label = found
    why = (
        f"No column has a usual name, so what they hold decides: {quoted(text)} holds texts and is asked, "
        f"{quoted(label)} holds classes ({_classes_shown(classes(seen.table, label))}) and is answered."
    )
    columns: Columns = {"prompt": text, "completion": label, "label": label}
    return Mapping("prompt-completion", "standard", columns, why + seen.unused(columns))


def _rest_of_prompt(seen: Seen, columns: Columns) -> str:
    """Adds what continues the prompt in other columns; a sentence on it."""
    if plain_name(columns["prompt"]) not in CONTINUED or not seen.is_text(columns["prompt"]):
        return ""
    said = ""
    rest = next((seen.plain[name] for name in INPUTS if name in seen.plain), None)
    if rest and rest not in columns.values() and seen.is_text(rest):
        columns["input"] = rest
        said += f" {quoted(rest)} is joined under it where it is filled."
    history = seen.first(HISTORIES)
    if history and history not in columns.values():
        columns["history"] = history
        said += f" {quoted(history)} holds the earlier turns."
    return said


def _liked(seen: Seen, columns: Columns) -> str:
    """Adds the column that says whether an answer is wanted; a sentence on it."""
    column = seen.first(LIKED)
    if column is None or column in columns.values() or not is_truth(seen.table, column):
        return ""
    columns["liked"] = column
    return f" {quoted(column)} says whether the answer is wanted: rows labelled true are learned from."


def _answers(seen: Seen, column: str) -> bool:
    return seen.is_text(column) or _spoken(seen, column)


def _spoken(seen: Seen, column: str) -> bool:
    return seen.is_messages(column) or seen.holds(column, is_turn)


def _lists_texts(cell: Any) -> bool:
    listed = cell.get("text") if isinstance(cell, dict) else cell
    return isinstance(listed, list) and all(isinstance(each, str) for each in listed)


def _lists_objects_with(cell: Any, name: str) -> bool:
    return isinstance(cell, list) and bool(cell) and isinstance(cell[0], dict) and name in cell[0]


def _classes_shown(found: list[str]) -> str:
    return f"{counted(len(found), 'value')}, {listed([quoted(each, 30) for each in found], SHOWN_CLASSES)}"
