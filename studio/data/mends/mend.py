"""What every mend of examples is, and how one text after another is put through it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from studio.data.checks.screens import Texts
from studio.data.example import Examples
from studio.knob import Part

MENDED = ("prompt", "completion", "rejected")
_STRETCH = 100_000
"""Texts that are changed together."""


class MendKind(Part):
    """One mend. `title` is what its button says, `done` what it has done, for the list of mends."""

    by_row: ClassVar[bool] = False
    """Whether it names rows of the main file by their numbers, which mean nothing in another one."""
    title: ClassVar[str]
    done: ClassVar[str]

    def apply(self, examples: Examples) -> Examples:
        """The examples after the mend; the ones given are unchanged, and every row keeps its number."""
        raise NotImplementedError


def with_texts(examples: Examples, changed: Callable[[str], str], screen: str | None = None) -> Examples:
    """The examples with every text, those of messages included, put through `changed`.

    `screen` is an RE2 pattern that is found in every text that `changed` would change: others are not looked at.
    """
    texts = {name: _through(examples.column(name), changed, screen) for name in filter(examples.has, MENDED)}
    if examples.has("messages"):
        texts["messages"] = _through(examples.column("messages"), partial(_contents, changed=changed), ".")
    return examples.replaced(**texts)


def with_answers(examples: Examples, changed: Callable[[str], str], screen: str) -> Examples:
    """The same for what is answered only: completions, worse answers, and the assistant's turns."""
    names = filter(examples.has, ("completion", "rejected"))
    texts = {name: _through(examples.column(name), changed, screen) for name in names}
    if examples.has("messages"):
        answered = partial(_contents, changed=changed, role="assistant")
        texts["messages"] = _through(examples.column("messages"), answered, ".")
    return examples.replaced(**texts)


def with_cells(examples: Examples, name: str, cells: Mapping[int, str]) -> Examples:
    """The examples with other texts in one field, by place."""
    if not cells:
        return examples
    return examples.replaced(**{name: pa.chunked_array([_put(Texts.of(examples.column(name)).cells, cells)])})


def dumped(messages: list[dict[str, Any]]) -> str:
    """Messages as the JSON text that an example holds."""
    return json.dumps(messages, ensure_ascii=False, separators=(",", ":"))


def _through(column: pa.ChunkedArray, changed: Callable[[str], str], screen: str | None) -> pa.ChunkedArray:
    whole = Texts.of(column).cells
    parts = [_stretch(whole.slice(start, _STRETCH), changed, screen) for start in range(0, len(whole), _STRETCH)]
    return pa.chunked_array(parts, pa.large_string())


def _stretch(cells: pa.LargeStringArray, changed: Callable[[str], str], screen: str | None) -> pa.LargeStringArray:
    texts = Texts(cells)
    places = np.arange(len(texts)) if screen is None else texts.matching(screen)
    after = ((place, text, changed(text)) for place, text in texts.some(places))
    return _put(cells, {place: new for place, text, new in after if new != text})


def _put(cells: pa.LargeStringArray, texts: Mapping[int, str]) -> pa.LargeStringArray:
    if not texts:
        return cells
    mask = np.zeros(len(cells), bool)
    mask[list(texts)] = True
    return pc.replace_with_mask(cells, pa.array(mask), pa.array([texts[at] for at in sorted(texts)], pa.large_string()))


def _contents(messages: str, changed: Callable[[str], str], role: str | None = None) -> str:
    """A conversation's JSON with other contents, in the turns of one role or in all."""
    spoken = json.loads(messages)
    different = False
    for message in spoken:
        content = message.get("content")
        if isinstance(content, str) and role in (None, message.get("role")):
            message["content"] = changed(content)
            different |= message["content"] != content
    return dumped(spoken) if different else messages
