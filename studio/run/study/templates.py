"""What is missing or odd in a base model's chat template, and what the studio does about each."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from studio.data.example import Message
from studio.data.tokens.render import MARK, RefusedError, Renderer
from studio.data.tokens.turns import REWRITES
from studio.data.wording import quoted
from studio.run.tokenizer import PLAIN_TEMPLATE

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SYSTEM = "Slate"  # stands for a system prompt
AGAIN = "Easel"  # stands for a second answer
_ROLE_AT_ENDS = re.compile(r"(?i)^(?:system|user|assistant|human)\b:?|\b(?:user|human|inst)\b[:\]]?$")
LEAST_WORDS = 4  # fewer words before a question are the name of a role, not a prompt

NO_TEMPLATE = (
    "This base model has no chat template, so the studio uses a plain one: the prompt, a new line, the completion and "
    "the end token."
)
NO_MARKERS = (
    "This chat template does not mark which of its text is the assistant's. The studio finds answers by rendering a "
    "conversation up to each of them, and learns from exactly what an answer adds."
)
PAD_IS_END = (
    "Padding uses the end token. The studio decides what is learned from before it pads, so the end of an answer is "
    "learned from and padding never is."
)
DATED = (
    "This chat template writes today's date into each conversation. The studio makes the tokens anew each day; a tuned "
    "model that is asked on another day sees another date than it was trained with."
)
DOUBLED = (
    "This chat template writes the beginning token, and the tokenizer would add another. The studio adds none, so each "
    "row begins with one."
)

Note = str | None


def template_notes(tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """Everything worth knowing about how this tokenizer writes a conversation, in sentences. Renders a few."""
    renderer = Renderer(tokenizer)
    try:
        pair = renderer.text(_talk("user", "assistant"))
    except RefusedError as error:
        return [
            f"This chat template cannot write a question with its answer: {error}. Rows of that kind are left out; "
            "choose another base model to train on them."
        ]
    notes = (look(renderer, pair) for look in LOOKS)
    return [note for note in notes if note]


def _missing(renderer: Renderer, _: str) -> Note:
    return NO_TEMPLATE if renderer.source == PLAIN_TEMPLATE.read_text("utf-8") else None


def _system(renderer: Renderer, _: str) -> Note:
    if renderer.has_system:
        return None
    try:
        renderer.tokenizer.apply_chat_template([_says("system", SYSTEM), *_talk("user")], tokenize=False)
        how = "leaves it out without a word"
    except Exception:
        how = "refuses one"
    return (
        f"This chat template has no place for a system prompt: it {how}. The studio puts its text before the first "
        "question."
    )


def _own_system(renderer: Renderer, pair: str) -> Note:
    """A prompt of the template's own, put where a row has none."""
    before = pair[: pair.index("?")]
    for token in renderer.tokenizer.all_special_tokens:
        before = before.replace(token, " ")
    text = _ROLE_AT_ENDS.sub("", " ".join(before.split())).strip()
    if len(re.findall(r"[^\W\d_]{2,}", text)) < LEAST_WORDS:
        return None
    return (
        f"Where a row has no system prompt, this chat template writes one of its own: {quoted(text)}. "
        "The studio leaves it as it is, in training and in the chat alike."
    )


def _markers(renderer: Renderer, _: str) -> Note:
    return None if renderer.has_markers else NO_MARKERS


def _end(renderer: Renderer, pair: str) -> Note:
    """What stands behind an answer: the end token, another special one, or nothing that a model could stop at."""
    tokenizer = renderer.tokenizer
    after, end = pair.rpartition(MARK)[2], str(tokenizer.eos_token)
    if end in after:
        rest = after.partition(end)[2]
        if not rest:
            return None
        return (
            f"After the end token this chat template writes {quoted(rest)}, which is learned from too. It does no "
            "harm: an answer stops at the end token, before it."
        )
    special = set(tokenizer.all_special_tokens) | {str(token) for token in tokenizer.added_tokens_decoder.values()}
    found = [token for token in special if token in after]
    if found:
        stop = min(found, key=after.index)
        return (
            f"An answer ends with {quoted(stop)}; the tokenizer's own end token {quoted(end)} is never learned. The "
            "studio's chat stops at both; tell other programs to stop at the first."
        )
    return (
        f"Behind an answer this chat template writes no end token, so {quoted(end)} is never learned and a tuned model "
        "may not know where to stop. The studio does not change a base model's own template: choose another base model "
        "if answers run on."
    )


def _padding(renderer: Renderer, _: str) -> Note:
    tokenizer = renderer.tokenizer
    return PAD_IS_END if tokenizer.pad_token == tokenizer.eos_token else None


def _rewrites(renderer: Renderer, _: str) -> Note:
    """Whether what was said before is written otherwise once the conversation goes on, thoughts included."""
    for answer in (MARK, f"<think>\n{SYSTEM}\n</think>\n\n{MARK}"):
        talk = [_says("user", "?"), _says("assistant", answer), _says("user", "?"), _says("assistant", AGAIN)]
        try:
            if not renderer.text(talk).startswith(renderer.text(talk[:2])):
                return REWRITES
        except RefusedError as error:
            return (
                f"This chat template refuses conversations of several turns ({error}). Such rows are left out; rows of "
                "one question and one answer are trained on."
            )
    return None


def _asked_otherwise(renderer: Renderer, pair: str) -> Note:
    asked = renderer.text(_talk("user"), goes_on=True)
    if pair.startswith(asked):
        return None
    shared = next((i for i, (a, b) in enumerate(zip(asked, pair, strict=False)) if a != b), min(len(asked), len(pair)))
    return (
        f"When it asks for an answer, this chat template ends with {quoted(asked[shared:])}, which trained rows do not "
        "have there. The studio learns from the first token on that differs."
    )


def _dated(renderer: Renderer, _: str) -> Note:
    return DATED if "strftime_now" in renderer.source else None


def _beginning(renderer: Renderer, pair: str) -> Note:
    first = renderer.tokenizer.bos_token_id
    if first is None:
        return None
    ids = list(renderer.tokenizer(pair)["input_ids"])
    return DOUBLED if ids[:2] == [first, first] else None


LOOKS: tuple[Callable[[Renderer, str], Note], ...] = (
    _missing, _system, _own_system, _markers, _end, _padding, _rewrites, _asked_otherwise, _dated, _beginning,
)  # fmt: skip


def _talk(*roles: str) -> list[Message]:
    return [_says(role, MARK if role == "assistant" else "?") for role in roles]


def _says(role: str, content: str) -> Message:
    return {"role": role, "content": content}
