"""One row as the model sees it, token by token."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from studio.data.example import Example, Examples, ExampleType
from studio.data.tokens.chunk import chunked
from studio.data.tokens.encode import encode
from studio.data.tokens.encoded import Encoded
from studio.data.tokens.render import RefusedError, Renderer
from studio.data.tokens.turns import rendered
from studio.data.wording import counted
from studio.errors import StudioError
from studio.run.study.pieces import Span, pieces
from studio.run.study.tokens import Encoding

MOST_CHARACTERS = 2_000_000  # of a row as the template writes it
MOST_TOKENS = 50_000  # that one look shows


class Token(BaseModel, frozen=True):
    """A token as text. Special: a sign of the tokenizer's own; text: from the row; template: put around it.

    Of a character that is made of several tokens, the first one has it and the others are empty.
    """

    text: str
    kind: Literal["special", "text", "template"]
    trained: bool


class Look(BaseModel, frozen=True):
    """A row as the model sees it. The texts of `tokens` together are `rendered`.

    `cut_at` is the place in `tokens` from which on they are lost, None where all fit. `prompt_tokens` are those before
    the first that is learned from.
    """

    tokens: list[Token]
    cut_at: int | None
    row: int
    prompt_tokens: int
    total_tokens: int
    rendered: str
    notes: list[str] = []


def look_at(example: Example, type: ExampleType, how: Encoding, max_length: int) -> Look:
    """The example's tokens, and where a longest row cuts them. Raises StudioError where it cannot be rendered."""
    text = _text(example, type, how)
    if len(text) > MOST_CHARACTERS:
        raise StudioError(
            f"Row {example.row:,} has {counted(len(text), 'character')} as the chat template writes it, and at most "
            f"{MOST_CHARACTERS:,} are shown. Look at another row, or shorten this one."
        )
    encoded = encode([example], how.tokenizer, None, train_on=how.train_on)
    total, prompt = int(encoded.lengths[0]), int(encoded.prompts[0])
    own = _own(example, text)
    trained = encoded.table["trained"][0].as_py()
    found = pieces(how.tokenizer, text, encoded.input_ids[0], adds=not example.conversation)[:MOST_TOKENS]
    tokens = [
        Token(
            text=piece.text,
            kind="special" if piece.special else "text" if piece.within(own) else "template",
            trained=learned,
        )
        for piece, learned in zip(found, trained, strict=False)
    ]
    return Look(
        tokens=tokens,
        cut_at=max_length if total > max_length and not _chunks(example, how) else None,
        row=example.row,
        prompt_tokens=prompt,
        total_tokens=total,
        rendered="".join(token.text for token in tokens),
        notes=[*_notes(example, how, max_length, encoded), *encoded.notes],
    )


def _text(example: Example, type: ExampleType, how: Encoding) -> str:
    """The row as the template writes it; of plain text, the text and the end token."""
    renderer, end = Renderer(how.tokenizer), str(how.tokenizer.eos_token)
    if not example.conversation:
        return example.completion + ("" if example.completion.endswith(end) else end)
    try:
        if example.messages or example.tools:
            by_markers = type == "language modeling"
            return rendered(renderer, example.conversation, example.tools, how.train_on, by_markers).text
        return renderer.text(example.conversation)
    except RefusedError as error:
        raise StudioError(
            f"Row {example.row:,} cannot be shown as the model sees it, and is left out of training: {error}. Change "
            "the row, or choose a base model whose chat template takes it."
        ) from error


def _own(example: Example, text: str) -> list[Span]:
    """From which to which character of the text goes what the row itself says."""
    said = [str(message.get("content") or "") for message in example.conversation] or [example.completion]
    spans, done = [], 0
    for content in said:
        for form in (content, content.strip()):
            start = text.find(form, done) if form else -1
            if start >= 0:
                done = start + len(form)
                spans.append((start, done))
                break
    return spans


def _chunks(example: Example, how: Encoding) -> bool:
    return how.chunks is not None and not example.conversation


def _notes(example: Example, how: Encoding, max_length: int, encoded: Encoded) -> list[str]:
    total, prompt = int(encoded.lengths[0]), int(encoded.prompts[0])
    if how.chunks is not None and _chunks(example, how):
        number = chunked(Examples.of([example], "language modeling"), how.tokenizer, how.chunks).facts.chunks
        return [
            f"For training all texts are laid end to end and cut into chunks of at most {how.chunks.length:,} tokens; "
            f"this one alone makes {counted(number, 'chunk')}."
        ]
    notes = []
    if prompt >= min(total, max_length):
        notes.append(
            f"Nothing to learn is within {max_length:,} tokens, so this row is left out of training. Raise the longest "
            "row, or shorten the prompt."
        )
    if total > MOST_TOKENS:
        notes.append(f"The first {MOST_TOKENS:,} of {total:,} tokens are shown.")
    return notes
