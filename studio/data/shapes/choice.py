"""The columns and templates that a person chose: a mapping out of them, or all that is wrong with them."""

from __future__ import annotations

from studio.data.part import DataPart
from studio.data.shapes import recognise
from studio.data.shapes.mapping import Mapping, Role
from studio.data.shapes.needs import needs
from studio.data.shapes.seen import Seen
from studio.data.shapes.templates import columns_of
from studio.data.shapes.usual import COMPLETIONS, PROMPTS, TEXTS
from studio.data.table import Table
from studio.data.wording import names, quoted
from studio.errors import StudioError

_HAND = "it was chosen by hand"
_NO_SHAPE = {
    "prompt-completion": "a prompt and a completion: choose the two columns, or write templates",
    "conversation": "conversations: choose the column that holds lists of messages",
    "preference": "preferences: choose the columns of the better and the worse answer",
    "text": "plain text: choose the column that holds it",
}


def by_hand(table: Table, part: DataPart) -> Mapping | None:
    """The mapping that the choices make, completed by what is recognised; None where nothing was chosen.

    Raises StudioError where they cannot be, all reasons at once.
    """
    _refuse(table, part)
    chosen, shape = part.mapped, part.mapped.shape
    if chosen.messages_column and shape in ("auto", "conversation"):
        return recognise.conversation_of(Seen(table), chosen.messages_column, _HAND)
    if chosen.text_column and shape in ("auto", "text"):
        return recognise.text_of(Seen(table), chosen.text_column, _HAND)
    if (chosen.chosen_column or chosen.rejected_column) and shape in ("auto", "preference"):
        return _preference(table, part)
    any_side = part.prompt_column or part.completion_column or chosen.prompt_template or chosen.completion_template
    if any_side and shape in ("auto", "prompt-completion"):
        return _pairs(table, part)
    return None if shape == "auto" else _forced(table, part)


def _refuse(table: Table, part: DataPart) -> None:
    chosen = part.mapped
    single = [
        part.prompt_column, part.completion_column, chosen.messages_column, chosen.text_column, chosen.chosen_column,
        chosen.rejected_column, chosen.system_column, chosen.label_column, chosen.group_column,
    ]  # fmt: skip
    problems: list[str] = []
    try:
        require(table, single)
    except StudioError as error:
        problems.extend(error.problems)
    if part.prompt_column and part.prompt_column == part.completion_column:
        problems.append(
            f"Column {quoted(part.prompt_column)} was chosen for the prompt and for the completion, and a model that "
            f"repeats what it is asked learns nothing. Choose two of {names(table.columns)}."
        )
    for template in filter(None, (chosen.prompt_template, chosen.completion_template)):
        try:
            columns_of(template, table.columns)
        except StudioError as error:
            problems.extend(error.problems)
    if problems:
        raise StudioError(*problems)


def require(table: Table, columns: list[str]) -> None:
    """Raises StudioError where one of them is not in the table, naming all that are missing."""
    missing = [column for column in dict.fromkeys(columns) if column and column not in table.columns]
    if missing:
        raise StudioError(
            f"{quoted(table.name)} has no column {names(missing)}. Its columns are {names(table.columns)}: choose "
            "among them."
        )


def _forced(table: Table, part: DataPart) -> Mapping:
    seen, shape = Seen(table), part.mapped.shape
    only = table.columns[0] if len(table.columns) == 1 else None
    if shape == "text" and only:
        found: Mapping | None = recognise.text_of(seen, only, "it is the only column")
    elif shape == "text":
        column = seen.first(TEXTS)
        found = recognise.text_of(seen, column, "plain text was chosen as the shape") if column else None
    elif shape == "conversation":
        found = recognise.conversation(seen)
    elif shape == "preference":
        found = recognise.preference(seen)
    else:
        found = (
            recognise.pairs(seen) or recognise.answered(seen) or recognise.documents(seen) or recognise.labelled(seen)
        )
    if found is None:
        raise StudioError(
            f"{quoted(table.name)} was to be read as {_NO_SHAPE[shape]}. Its columns are {names(table.columns)}."
        )
    return found


def _preference(table: Table, part: DataPart) -> Mapping:
    found = recognise.preference(Seen(table))
    better = part.mapped.chosen_column or (found.columns["chosen"] if found else "")
    worse = part.mapped.rejected_column or (found.columns["rejected"] if found else "")
    if not better or not worse or better == worse:
        raise StudioError(
            f"A preference needs two different columns, one with the better and one with the worse answer, and only "
            f"{quoted(better or worse)} is known. Choose both among {names(table.columns)}."
        )
    hand: dict[Role, str] = {"prompt": part.prompt_column} if part.prompt_column else {}
    return recognise.preference_of(Seen(table, frozenset((better, worse))), better, worse, hand)


def _pairs(table: Table, part: DataPart) -> Mapping:
    """Columns or templates by hand; a side that has neither is recognised among the other columns."""
    sides: tuple[tuple[Role, str, str, tuple[str, ...]], ...] = (
        ("prompt", part.mapped.prompt_template, part.prompt_column, PROMPTS),
        ("completion", part.mapped.completion_template, part.completion_column, COMPLETIONS),
    )
    seen = Seen(table, frozenset(column for _, template, column, _ in sides if column and not template))
    columns: dict[Role, str] = {}
    said: list[str] = []
    for role, template, column, usual in sides:
        found = None if template or column else seen.first(usual)
        if template:
            said.append(f"The {role} is made from the template {quoted(template)}.")
        elif column or found:
            columns[role] = column or found or ""
            why = "was chosen by hand" if column else "was recognised by its name"
            said.append(f"{quoted(columns[role])} is the {role}: it {why}.")
        else:
            raise StudioError(f"{quoted(table.name)}: {needs(Seen(table))}")
    return recognise.pairs_of(Seen(table), columns, " ".join(said))
