"""What a person says of a run: a name of their own, a note, tags, whether it is put aside. It lies in notes.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from studio.errors import StudioError
from studio.run.directory import Run

NAME = "notes.json"
LONGEST_NAME, LONGEST_NOTE, LONGEST_TAG, MOST_TAGS = 80, 2000, 30, 12
LARGEST = 100_000  # bytes of the file; what the bounds allow is far less


def _in_one_line(value: Any) -> Any:
    return " ".join(value.split()) if isinstance(value, str) else value


def _once_each(value: Any) -> Any:
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        return value
    return tuple(dict.fromkeys(filter(None, map(_in_one_line, value))))


Tag = Annotated[str, Field(max_length=LONGEST_TAG)]


class Notes(BaseModel):
    """All that a person said of a run. Every text is shown as text, never as markup."""

    model_config = ConfigDict(frozen=True, strict=True)
    name: Annotated[str, BeforeValidator(_in_one_line), Field(max_length=LONGEST_NAME)] = ""
    note: str = Field(default="", max_length=LONGEST_NOTE)
    tags: Annotated[tuple[Tag, ...], BeforeValidator(_once_each), Field(max_length=MOST_TAGS)] = ()
    archived: bool = False


def read_notes(run: Run) -> Notes:
    """What was said of the run; nothing where the file is missing or damaged."""
    try:
        with (run.path / NAME).open("rb") as file:
            return Notes.model_validate(json.loads(file.read(LARGEST)))
    except (OSError, ValueError):
        return Notes()


def change_notes(run: Run, changes: Mapping[str, Any]) -> Notes:
    """Say something else of the run: the fields of `Notes` that are to change.

    Raises:
        StudioError: a text is too long, there are too many tags, or the file cannot be written.
    """
    if unknown := sorted(set(changes) - set(Notes.model_fields)):
        raise StudioError(f"A run has no {unknown[0]!r:.40}. What can be said of it: {', '.join(Notes.model_fields)}.")
    try:
        notes = Notes.model_validate(read_notes(run).model_dump() | dict(changes))
    except ValidationError as error:
        raise StudioError(*dict.fromkeys(_in_words(str(problem["loc"][0])) for problem in error.errors())) from None
    draft = run.path / f".{NAME}"
    try:
        draft.write_text(notes.model_dump_json(indent=1), "utf-8")
        draft.replace(run.path / NAME)
    except OSError as error:
        raise StudioError(
            f"The notes on {run.name} could not be written ({error.strerror}). Free some space, or look whether the "
            "run's folder is still there."
        ) from error
    return notes


def _in_words(field: str) -> str:
    return {
        "name": f"A name has at most {LONGEST_NAME} letters. Say the rest in the note.",
        "note": f"A note has at most {LONGEST_NOTE:,} letters. Shorten it.",
        "tags": f"A run has at most {MOST_TAGS} tags of at most {LONGEST_TAG} letters each. Use fewer or shorter ones.",
    }.get(field, f"{field} cannot have this value.")
