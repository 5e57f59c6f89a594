"""Conversations as text, by the base model's chat template, and what the template cannot do."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from jinja2 import TemplateError

from studio.data.example import Message

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MARK = "Atelier"  # stands for a text when a template is asked what becomes of one
_GENERATION = re.compile(r"\{%-?\s*generation\s*-?%\}")

# What a template raises over a row it was not written for. Anything else is a fault of the studio.
REFUSALS = (TemplateError, TypeError, ValueError, KeyError, AttributeError, IndexError, ArithmeticError)

NO_SYSTEM = "This chat template has no place for a system prompt: its text stands before the first question instead."
NO_TOOLS = "This chat template has no place for tools: what may be called is not told to the model."


class RefusedError(Exception):
    """The template cannot render a conversation; the text says why."""


@dataclass(frozen=True, eq=False)
class Renderer:
    """A tokenizer's chat template, asked once what it can do. `notes` gathers what it could not."""

    tokenizer: PreTrainedTokenizerBase
    notes: dict[str, None] = field(default_factory=dict)

    @cached_property
    def has_system(self) -> bool:
        """Whether a system prompt comes through."""
        try:
            return MARK in self._text([{"role": "system", "content": MARK}, {"role": "user", "content": "?"}])
        except REFUSALS:
            return False

    @cached_property
    def source(self) -> str:
        """The template itself; where there are several, all of them."""
        template = self.tokenizer.chat_template
        return "\n".join(template.values()) if isinstance(template, dict) else str(template or "")

    @cached_property
    def has_markers(self) -> bool:
        """Whether the template marks what the assistant says."""
        return isinstance(self.tokenizer.chat_template, str) and bool(_GENERATION.search(self.source))

    def ready(self, messages: Sequence[Message]) -> list[Message]:
        """The messages as this template takes them: without weights, and with the system prompt where it has a place.

        Raises RefusedError where the template would leave tool calls out without a word.
        """
        plain = [{key: value for key, value in each.items() if key != "weight"} for each in messages]
        if any(each.get("tool_calls") for each in plain) and "tool_calls" not in self.source:
            raise RefusedError("the chat template has no place for tool calls")
        if plain and plain[0]["role"] == "system" and not self.has_system:
            self.notes[NO_SYSTEM] = None
            return _system_moved(plain)
        return plain

    def text(self, messages: Sequence[Message], tools: str = "", *, goes_on: bool = False) -> str:
        """The conversation as text; `goes_on` adds what stands before the next answer. Raises RefusedError."""
        try:
            return self._text(list(messages), self._tools(tools), goes_on)
        except REFUSALS as error:
            raise RefusedError(_reason(error)) from error

    def texts(self, conversations: list[list[Message]], *, goes_on: bool = False) -> list[str | RefusedError]:
        """Many conversations without tools as texts, or what the template said against them."""
        if not conversations:
            return []
        try:
            return list(
                self.tokenizer.apply_chat_template(conversations, tokenize=False, add_generation_prompt=goes_on)
            )
        except REFUSALS:
            return [self._text_or_refusal(messages, goes_on) for messages in conversations]

    def marked(self, messages: Sequence[Message], tools: str = "") -> tuple[str, list[tuple[int, int]]]:
        """The conversation as text, and the characters [from, to) of each marked answer. Raises RefusedError."""
        from transformers.utils import chat_template_utils

        render_jinja_template: Any = chat_template_utils.render_jinja_template  # its result depends on its options
        options: dict[str, Any] = dict(self.tokenizer.special_tokens_map)
        options |= {"chat_template": self.tokenizer.chat_template, "return_assistant_tokens_mask": True}
        options |= {"conversations": [list(messages)], "tools": self._tools(tools)}
        try:
            texts, spans = render_jinja_template(**options)
        except REFUSALS as error:
            raise RefusedError(_reason(error)) from error
        return texts[0], [(start, end) for start, end in spans[0]]

    def _tools(self, tools: str) -> list[dict[str, Any]] | None:
        if not tools:
            return None
        if "tools" not in self.source:
            self.notes[NO_TOOLS] = None
            return None
        return list(json.loads(tools))

    def _text(self, messages: list[Message], tools: list[dict[str, Any]] | None = None, goes_on: bool = False) -> str:
        options: dict[str, Any] = {"tools": tools, "tokenize": False, "add_generation_prompt": goes_on}
        return str(self.tokenizer.apply_chat_template(messages, **options))

    def _text_or_refusal(self, messages: list[Message], goes_on: bool) -> str | RefusedError:
        try:
            return self.text(messages, goes_on=goes_on)
        except RefusedError as error:
            return error


def _system_moved(messages: list[Message]) -> list[Message]:
    system, rest = messages[0]["content"], messages[1:]
    first = next((i for i, each in enumerate(rest) if each["role"] == "user"), None)
    if first is None:
        return [{"role": "user", "content": system}, *rest]
    asked = {**rest[first], "content": f"{system}\n\n{rest[first]['content']}"}
    return [*rest[:first], asked, *rest[first + 1 :]]


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())[:200]
    return f"the chat template refuses it ({text or type(error).__name__})"
