"""Prompt and whole text tokenised in one go, where a special token parts them for certain.

The tokens of a prompt and those of the prompt with its completion are both wanted, to see where they part. Text on the
two sides of an added token is tokenised apart, so what stands before the last one in the generation prompt has the
same tokens either way and is tokenised once. Whether that holds is proved for each tokenizer and each row; where it
does not, both texts are tokenised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from studio.data.tokens.ids import Ids, common_prefix, token_ids
from studio.data.tokens.render import MARK, RefusedError, Renderer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_SAMPLES = (
    "a",
    " a",
    "\n",
    "\n\nA. ",
    "  two",
    "...",
    "é狐🦊",
    "<",
    "|",
    "▁",
    "1",
    "'s",
    "\t",
    "\u200b",
    "\u0301",
    "\r\n",
)
"""Beginnings of answers, tried when it is proved that they are tokenised the same behind a special token and alone."""


@dataclass(frozen=True, eq=False)
class Boundary:
    """Where a template's generation prompt has its last added token."""

    renderer: Renderer

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The renderer's."""
        return self.renderer.tokenizer

    @cached_property
    def head(self) -> str:
        """What the template writes after a question, up to its last added token; empty where nothing is proved."""
        try:
            asked = self.renderer.text([{"role": "user", "content": MARK}], goes_on=True)
        except RefusedError:
            return ""
        head, token = _up_to_last_token(asked.rpartition(MARK)[2], self._added)
        return head if token and self._parts_surely(head, token) else ""

    @cached_property
    def tail(self) -> str:
        """What it writes behind `head`."""
        asked = self.renderer.text([{"role": "user", "content": MARK}], goes_on=True)
        return asked.rpartition(MARK)[2][len(self.head) :]

    def ids(self, prompts: Sequence[str], wholes: Sequence[str]) -> tuple[Ids, list[int]]:
        """The ids of each whole text, and how many of them its prompt has in common with it."""
        ends = [self._head_end(prompt, whole) for prompt, whole in zip(prompts, wholes, strict=True)]
        shared = token_ids(self.tokenizer, [whole[:end] for end, whole in zip(ends, wholes, strict=True) if end])
        rest = token_ids(self.tokenizer, [whole[end:] for end, whole in zip(ends, wholes, strict=True)])
        alone = token_ids(self.tokenizer, [prompt for end, prompt in zip(ends, prompts, strict=True) if not end])
        tail = token_ids(self.tokenizer, [self.tail])[0] if shared else []
        before, apart = iter(shared), iter(alone)
        ids, starts = [], []
        for end, own in zip(ends, rest, strict=True):
            first = next(before) if end else []
            ids.append(first + own)
            starts.append(len(first) + common_prefix(tail if end else next(apart), own))
        return ids, starts

    def _head_end(self, prompt: str, whole: str) -> int:
        """The character where both texts may be parted, or 0."""
        end = len(prompt) - len(self.tail) if self.head else 0
        return end if end and prompt.endswith(self.head + self.tail) and whole.startswith(prompt[:end]) else 0

    @cached_property
    def _added(self) -> dict[str, bool]:
        """{added token: whether it parts a text without eating or asking for anything beside it}."""
        every = self.tokenizer.added_tokens_decoder.values()
        return {each.content: not (each.rstrip or each.single_word or each.normalized) for each in every}

    def _parts_surely(self, head: str, token: str) -> bool:
        """No added token reaches over the head's end or into its last token, and what follows is tokenised as alone."""
        others = [each for each in self._added if each]
        reaches_over = any(
            head.endswith(each[:i]) or each[:i].endswith(head) for each in others for i in range(1, len(each))
        )
        reaches_into = any(each.endswith(token[:i]) for each in others for i in range(1, len(token)))
        within = any(token in each for each in others if each != token)
        if reaches_over or reaches_into or within or not self._added[token]:
            return False
        joined = token_ids(self.tokenizer, [head + sample for sample in _SAMPLES])
        apart = token_ids(self.tokenizer, [head, *_SAMPLES])
        return joined == [apart[0] + each for each in apart[1:]]


def _up_to_last_token(text: str, added: dict[str, bool]) -> tuple[str, str]:
    ends = {text.rfind(each) + len(each): each for each in sorted(added, key=len) if each and each in text}
    return (text[: max(ends)], ends[max(ends)]) if ends else ("", "")
