"""More rows out of the ones there are: each prompt asked again in another way, the completion as it is."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from studio.data.example import Example, Examples, plain
from studio.data.export import write_rows
from studio.data.mends.every import dumped
from studio.data.part import Mix
from studio.data.pasted import keep
from studio.data.wording import counted, quoted
from studio.errors import StudioError

SLOT = "{prompt}"
TEMPLATES = (
    "Please answer this: {prompt}",
    "Hello! {prompt}",
    "{prompt} Thank you.",
    "I have a question. {prompt}",
    "Question: {prompt}",
    "{prompt}\nPlease answer.",
)
"""To start from. They leave what is asked as it is, so the completion stays right."""

MOST_ROWS = 50_000
"""New rows made at once. They are meant to be looked through."""

MOST_WEIGHT = 10
"""New rows for each row of the main set, as far as a mix goes."""

_BRACES = re.compile(r"\{\w*\}")


@dataclass(frozen=True)
class Proposed:
    """New rows to be looked through, numbered from 1, each with its making in `source`; and how many were dropped."""

    examples: Examples
    copies: int = 0
    """Those that another row asks already."""
    over: int = 0
    """Those beyond the most that are made at once."""


def templates_of(text: str) -> tuple[str, ...]:
    """The templates of a text with one a line; `\\n` in a line is a line end.

    Raises StudioError for every line that is no template, all at once.
    """
    lines = [line.strip().replace("\\n", "\n") for line in text.splitlines() if line.strip()]
    problems = [problem for line in lines if (problem := _wrong(line))]
    if problems:
        raise StudioError(*problems)
    if not lines:
        raise StudioError(f"There is no template. Write one a line, such as {quoted(TEMPLATES[0])}.")
    return tuple(dict.fromkeys(lines))


def augmented(
    train: Examples, templates: Sequence[str], held_out: Iterable[Example] = (), most: int = MOST_ROWS
) -> Proposed:
    """Each row of the main set asked again through each template.

    Rows that were mixed in or made are not asked again. A new prompt that the training or the held-out rows have
    already is dropped: held out, it would no longer be unseen.

    Raises StudioError for plain text, which asks nothing.
    """
    if train.type == "language modeling" and not train.has("messages"):
        raise StudioError("Plain text has no prompts to ask again. Augmenting needs rows with a prompt.")
    seen = Asked(chain(_askable(train), held_out))
    made: list[Example] = []
    copies = over = 0
    for place, template, example in _each(train, templates):
        new = asked_again(example, template.replace(SLOT, example.prompt), f"template {place} of row {example.row}")
        if not seen.is_new(new):
            copies += 1
        elif len(made) == most:
            over += 1
        else:
            made.append(replace(new, row=len(made) + 1))
    return Proposed(Examples.of(made, train.type), copies, over)


class Asked:
    """Which prompts are asked already, in whatever case and spacing."""

    def __init__(self, examples: Iterable[Example]) -> None:
        self._seen = {hash(example.same_prompt) for example in examples}

    def is_new(self, example: Example) -> bool:
        """Whether nobody asked that before; from now on somebody has."""
        key = hash(example.same_prompt)
        new = key not in self._seen
        self._seen.add(key)
        return new


def asked_again(example: Example, prompt: str, source: str) -> Example:
    """The example with its last question put in other words; `source` says how it was made."""
    if not example.messages:
        return replace(example, prompt=prompt, source=source)
    spoken = json.loads(example.messages)
    last = max(place for place, message in enumerate(spoken) if message["role"] == "user")
    spoken[last]["content"] = prompt
    return replace(example, prompt=prompt, messages=dumped(spoken), source=source)


def join(uploads: Path, accepted: Examples, rows: int, stem: str = "augmented") -> Mix:
    """The accepted rows as a file in `uploads`, mixed in so that each is used once beside the `rows` of
    the main set that are trained on.

    They are never held out: a score on a question in other words would flatter the model.

    Raises StudioError where none is accepted, where there are too many for one mix, and where there is no room.
    """
    if not len(accepted):
        raise StudioError("No new row is chosen. Choose the ones that are good, then add them.")
    if len(accepted) > MOST_WEIGHT * rows:
        raise StudioError(
            f"You chose {counted(len(accepted), 'new row')} for {counted(rows, 'row')}, and at most {MOST_WEIGHT} new "
            "ones for each are mixed in. Choose fewer."
        )
    try:
        with tempfile.TemporaryDirectory(dir=uploads, prefix=".part-") as folder:
            file = Path(folder, f"{stem}.jsonl")
            with file.open("wb") as stream:
                write_rows(accepted, ".jsonl", stream)
            kept = keep(uploads, [file])
    except OSError as error:
        raise StudioError(f"The new rows could not be kept in {uploads} ({error.strerror}). Free some space.") from None
    return Mix(path=str(kept), weight=len(accepted) / rows, held_out=False)


def _wrong(template: str) -> str | None:
    other = [name for name in _BRACES.findall(template) if name != SLOT]
    if other:
        return f"{quoted(template)}: {other[0]} is not known. A template has {SLOT} where the prompt goes."
    if template.count(SLOT) != 1:
        return f"{quoted(template)}: {SLOT} has to stand in it once, where the prompt goes."
    if plain(template) == SLOT:
        return f"{quoted(template)} asks the same again. Put words around {SLOT}."
    return None


def _askable(train: Examples) -> Iterator[Example]:
    return (example for example in train if example.prompt.strip())


def _each(train: Examples, templates: Sequence[str]) -> Iterator[tuple[int, str, Example]]:
    """Template by template, so that a limit cuts off the last template and not the last rows."""
    for place, template in enumerate(templates, 1):
        for example in _askable(train):
            if not example.source:
                yield place, template, example
