"""Conversations as token ids, rendered with the chat template that the run was trained with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jinja2 import TemplateError

from studio.data.example import Example, Message
from studio.data.tokens.render import RefusedError, Renderer
from studio.errors import StudioError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MARK = "Atelier"  # stands for an answer when a template is asked what follows one


def prompt_ids(tokenizer: PreTrainedTokenizerBase, messages: list[Message]) -> list[int]:
    """The conversation up to where the model goes on.

    Raises:
        StudioError: there is no prompt, or the template cannot render the conversation.
    """
    spoken = [message for message in messages if message["role"] != "system" or message["content"].strip()]
    if not spoken or spoken[-1]["role"] != "user" or not spoken[-1]["content"].strip():
        raise StudioError("The prompt is empty, so there is nothing to answer. Write a prompt, then send it.")
    system = next((message["content"] for message in spoken if message["role"] == "system"), "")
    try:
        text = str(tokenizer.apply_chat_template(spoken, tokenize=False, add_generation_prompt=True))
    except TemplateError as error:
        raise _refusal(str(error), has_system=bool(system)) from error
    if system.strip() not in text:
        raise _refusal("it leaves the system prompt out", has_system=True)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def asked_ids(tokenizer: PreTrainedTokenizerBase, examples: Sequence[Example]) -> dict[int, list[int]]:
    """{place: the tokens up to an example's last answer}, rendered as in training.

    Examples that the template refuses are not in it, nor is plain text, which asks nothing.

    Raises:
        StudioError: none of them can be asked.
    """
    renderer = Renderer(tokenizer)
    texts: dict[int, str] = {}
    refusals: list[RefusedError] = []
    asked = {place: example.asked for place, example in enumerate(examples)}
    for place, messages in asked.items():
        if not messages:
            continue
        try:
            texts[place] = renderer.text(renderer.ready(messages), examples[place].tools, goes_on=True)
        except RefusedError as error:
            refusals.append(error)
    if not texts:
        raise _nothing_asked(refusals)
    ids = tokenizer(list(texts.values()), add_special_tokens=False)["input_ids"]
    return dict(zip(texts, ids, strict=True))


def _nothing_asked(refusals: list[RefusedError]) -> StudioError:
    if refusals:
        return StudioError(
            f"None of the held-out rows can be asked: {refusals[0]}. Choose a base whose chat template knows all who "
            "speak in these rows."
        )
    return StudioError(
        "The held-out rows are plain text: they ask nothing, so there is no answer to judge. Look at the held-out "
        "loss instead, or hold out rows with questions and answers from a file of their own."
    )


def room(tokens: int, context: int | None, wanted: int) -> int:
    """How many tokens an answer may have: `wanted`, or what a prompt of `tokens` leaves of the `context`.

    Raises:
        StudioError: nothing is left.
    """
    if context is None:
        return wanted
    if tokens >= context:
        raise StudioError(
            f"The conversation takes {tokens:,} tokens, but this model's context holds {context:,}, the answer "
            f"included. Clear the conversation, or shorten the prompt by at least {tokens - context + 1:,} tokens."
        )
    return min(wanted, context - tokens)


def end_tokens(tokenizer: PreTrainedTokenizerBase, of_base: int | list[int] | None) -> frozenset[int]:
    """Every token that ends an answer: the base's own, the tokenizer's, and the one its template ends a turn with."""
    ends = {tokenizer.eos_token_id, _turn_end(tokenizer)}
    ends.update(of_base if isinstance(of_base, list) else [of_base])
    return frozenset(end for end in ends if end is not None)


def _turn_end(tokenizer: PreTrainedTokenizerBase) -> int | None:
    turn = [{"role": "user", "content": "?"}, {"role": "assistant", "content": MARK}]
    try:
        after = str(tokenizer.apply_chat_template(turn, tokenize=False)).rpartition(MARK)[2]
    except TemplateError:
        return None
    special = set(tokenizer.all_special_ids) | set(tokenizer.added_tokens_decoder)
    return next((token for token in tokenizer(after, add_special_tokens=False)["input_ids"] if token in special), None)


def _refusal(reason: str, has_system: bool) -> StudioError:
    if has_system:
        return StudioError(
            f"You set a system prompt, but this model's chat template has no place for one ({reason:.200}). "
            "Clear the system prompt, or write its text at the start of your prompt."
        )
    return StudioError(
        f"This model's chat template cannot render the conversation ({reason:.200}). "
        "Clear the conversation and send the prompt again."
    )
