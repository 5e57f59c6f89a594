"""What a file's rows are and which column plays which part in them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Literal

from studio.data.example import ExampleType

Format = Literal["standard", "conversational"]

Role = Literal[
    "prompt",  # what is asked: a text or a list of messages
    "input",  # its second half, joined under it where filled
    "history",  # earlier questions and answers, as a list of pairs
    "completion",  # what is answered: a text or a list of messages
    "messages",  # the whole conversation
    "text",  # plain text
    "chosen",  # the better answer
    "rejected",  # the worse one
    "system",  # the row's system prompt
    "tools",  # the tools it may call
    "label",  # its class
    "group",  # what it belongs to
    "liked",  # true or false: only what is true is learned from
    "instances",  # a list of {input, output}, each an example under the row's prompt
    "answers",  # a list of answers, or {"text": [...]} as in SQuAD: the first one is the completion
    "paragraphs",  # SQuAD's list of contexts with their questions
]

_IGNORED = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Mapping:
    """What a row is, in TRL's words, the column of each role that is used, and why."""

    type: ExampleType
    format: Format
    columns: dict[Role, str] = field(default_factory=dict)
    reason: str = ""

    @property
    def prompt(self) -> str | None:
        """The prompt's column; None where there is none, or where a template makes the prompt."""
        return self.columns.get("prompt")

    @property
    def completion(self) -> str | None:
        """The completion's column; None where there is none, or where a template makes the completion."""
        return self.columns.get("completion")


def plain_name(name: str) -> str:
    """Without case, accents, blanks and punctuation; `Réponse_ 1` keeps its 1."""
    return _IGNORED.sub("", unicodedata.normalize("NFKD", name.casefold()))
