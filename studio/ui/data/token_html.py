"""A row's tokens as HTML: which are trained on, which are special, where the row is cut, and what that loses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from studio.data.wording import counted

if TYPE_CHECKING:
    from studio.run.study.look import Look, Token

IN_FULL = 800  # tokens of a row that is shown without gaps
BEGINNING = 200  # tokens that are shown of a longer one
AROUND = 50  # tokens on each side of a place that is shown
MOST_PLACES = 20
LEGEND = (
    '<p class="data-legend"><span><span class="data-token data-trained">trained on</span> what the model learns to say'
    '</span><span><span class="data-token">read only</span> what it sees first</span>'
    '<span><span class="data-token data-template">template</span> put around your text</span>'
    '<span><span class="data-token data-special">special</span> a sign of the tokenizer\'s own</span></p>'
)
WHITE = str.maketrans({" ": "·", "\u00a0": "⍽", "\t": "→", "\n": "⏎\n", "\r": "␍"})


def look_html(look: Look, max_length: int, white: bool) -> str:
    """The row as the model sees it. With `white`, blanks, tabs and line ends are signs.

    Of a very long row the beginning, the ends of its parts and the place of the cut are shown; what is between them is
    a count.
    """
    drawn = "".join(_drawn(look, max_length, white))
    return f'{counts(look, max_length)}{LEGEND}<div class="data-tokens" dir="auto" tabindex="0">{drawn}</div>'


def counts(look: Look, max_length: int) -> str:
    """The row's figures in a line."""
    fits = look.tokens if look.cut_at is None else look.tokens[: look.cut_at]
    parts = [
        f"Row {look.row:,}: {counted(look.total_tokens, 'token')}, {look.prompt_tokens:,} of them its prompt",
        f"{sum(token.trained for token in fits):,} trained on",
    ]
    if look.cut_at is not None:
        lost = look.total_tokens - look.cut_at
        parts.append(f"{counted(lost, 'token')} lost beyond the longest row of {max_length:,}")
    return f'<p class="data-quiet" role="status">{escape("; ".join(parts))}.</p>'


def stretches(tokens: Sequence[Token], cut_at: int | None) -> list[tuple[int, int]]:
    """Which tokens are shown: (from, to), rising and apart from each other."""
    end = len(tokens)
    if end <= IN_FULL:
        return [(0, end)]
    turns = [at for at in range(1, end) if tokens[at].trained != tokens[at - 1].trained]
    if len(turns) > MOST_PLACES:
        turns = turns[: MOST_PLACES // 2] + turns[-MOST_PLACES // 2 :]
    places = sorted({*turns, end} | ({cut_at} if cut_at is not None else set()))
    shown = [(0, BEGINNING)]
    for at in places:
        low, high = max(0, at - AROUND), min(end, at + AROUND)
        if low <= shown[-1][1]:
            shown[-1] = (shown[-1][0], max(shown[-1][1], high))
        else:
            shown.append((low, high))
    return shown


def _drawn(look: Look, max_length: int, white: bool) -> Iterator[str]:
    before = 0
    for start, end in stretches(look.tokens, look.cut_at):
        if start > before:
            yield f'<span class="data-elided">… {start - before:,} tokens …</span>'
        for place in range(start, end):
            if place == look.cut_at:
                words = f"cut here: the longest row is {max_length:,} tokens"
                yield f'<span class="data-cut" role="separator">{words}</span>'
            yield _token(look.tokens[place], look.cut_at is not None and place >= look.cut_at, white)
        before = end
    if look.total_tokens > before:
        yield f'<span class="data-elided">… {look.total_tokens - before:,} tokens …</span>'


def _token(token: Token, lost: bool, white: bool) -> str:
    looks = ["data-token"]
    looks += ["data-lost"] if lost else ["data-trained"] if token.trained else []
    looks += [f"data-{token.kind}"] if token.kind != "text" else []
    text = token.text.translate(WHITE) if white else token.text
    return f'<span class="{" ".join(looks)}">{escape(text)}</span>'
