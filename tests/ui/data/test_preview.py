"""Rows as the model sees them: what is drawn of a look, on plain values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from types import SimpleNamespace
from typing import Any

from studio.data.part import DataPart
from studio.errors import StudioError
from studio.run.study.look import Look, Token
from studio.ui.data.preview import ASK, NOTHING, see, show
from studio.ui.data.token_html import IN_FULL, look_html, stretches

PART = DataPart(path="rows.csv")


def tokens(*runs: tuple[str, str, bool]) -> list[Token]:
    """Tokens from (text, kind, trained)."""
    return [Token(text=text, kind=kind, trained=trained) for text, kind, trained in runs]  # type: ignore[arg-type]


def look(of: Sequence[Token], cut_at: int | None = None, notes: tuple[str, ...] = ()) -> Look:
    prompt = next((place for place, token in enumerate(of) if token.trained), len(of))
    return Look(
        tokens=list(of),
        cut_at=cut_at,
        row=7,
        prompt_tokens=prompt,
        total_tokens=len(of),
        rendered="".join(token.text for token in of),
        notes=list(notes),
    )


ROW = look(
    tokens(
        ("<|user|>", "special", False),
        ("Hi", "text", False),
        ("\n", "template", False),
        ("Good", "text", True),
        (" day", "text", True),
        ("<|end|>", "special", True),
    )
)


def drawn(html: str) -> str:
    return html.partition('<div class="data-tokens"')[2].partition(">")[2]


def classes(html: str) -> list[str]:
    return re.findall(r'<span class="(data-(?:token|cut|elided)[^"]*)"', drawn(html))


def test_what_is_trained_on_and_what_is_special_look_different() -> None:
    assert classes(look_html(ROW, 128, False)) == [
        "data-token data-special",
        "data-token",
        "data-token data-template",
        "data-token data-trained",
        "data-token data-trained",
        "data-token data-trained data-special",
    ]
    assert "Row 7: 6 tokens, 3 of them its prompt; 3 trained on" in look_html(ROW, 128, False)


def test_the_cut_is_drawn_and_what_it_loses_is_no_longer_trained_on() -> None:
    html = look_html(ROW.model_copy(update={"cut_at": 4}), 4, False)
    assert classes(html)[3:] == [
        "data-token data-trained",
        "data-cut",
        "data-token data-lost",
        "data-token data-lost data-special",
    ]
    assert "1 trained on; 2 tokens lost beyond the longest row of 4" in html


def test_blanks_and_line_ends_are_signs_on_demand() -> None:
    assert "·day" in look_html(ROW, 128, True)
    assert "⏎\n" in look_html(ROW, 128, True)
    assert "·" not in drawn(look_html(ROW, 128, False))


def test_a_rows_text_stays_text() -> None:
    html = look_html(look(tokens(("<script>alert(1)</script>", "text", True))), 128, False)
    assert "<script" not in html
    assert "<script>alert(1)" in unescape(drawn(html))


def test_a_very_long_row_shows_its_turns_its_cut_and_its_end_and_counts_the_rest() -> None:
    long = tokens(*[("a", "text", False)] * 3000, *[("b", "text", True)] * 3000)
    html = look_html(look(long, cut_at=4500), 4500, False)
    shown = [place for start, end in stretches(long, 4500) for place in range(start, end)]
    assert {0, 2999, 3000, 4499, 4500, 5999} <= set(shown)
    gaps = [int(gap.replace(",", "")) for gap in re.findall(r"… ([\d,]+) tokens …", html)]
    assert sum(gaps) + len(shown) == 6000
    assert len(shown) < IN_FULL
    assert classes(html).count("data-cut") == 1


def test_what_a_look_leaves_away_at_the_end_is_counted_too() -> None:
    assert "… 94 tokens …" in look_html(ROW.model_copy(update={"total_tokens": 100}), 128, False)


def test_the_row_asked_for_is_looked_at_with_the_longest_row_of_the_recipe() -> None:
    asked: list[tuple[Any, ...]] = []

    def answer(*question: Any) -> Look:
        asked.append(question)
        return ROW.model_copy(update={"notes": ["A <b>note</b>."]})

    studio: Any = SimpleNamespace(desk=SimpleNamespace(look=answer))
    html, timer = see(studio, PART, "starter", 64, "longest", "", False)
    assert "A &lt;b&gt;note&lt;/b&gt;." in html
    assert not timer.active
    see(studio, PART, "starter", None, "search", " 12 ", False)
    assert asked[0] == (PART, "starter", 64, "longest")
    assert asked[1][3] == "12"
    assert asked[1][2] > 0
    assert see(studio, PART, "starter", 64, "search", "  ", False)[0] == ASK
    assert see(studio, DataPart(), "starter", 64, "first", "", False)[0] == NOTHING
    assert len(asked) == 2


def test_a_row_that_cannot_be_shown_says_why() -> None:
    def refuse(*_: Any) -> Look:
        raise StudioError("No row holds 'x'.")

    studio: Any = SimpleNamespace(desk=SimpleNamespace(look=refuse))
    assert "No row holds" in see(studio, PART, "starter", 64, "search", "x", False)[0]


def test_an_opening_page_does_not_wait_for_a_tokenizer() -> None:
    html, timer = show(PART, "starter")
    assert "as the model reads it" in html
    assert timer.active
    assert not show(DataPart(), "starter")[1].active
