"""The picture of the methods: every method in it, the chosen one marked, no label on another."""

from __future__ import annotations

import re
from itertools import combinations

import pytest

from studio.recipe.methods.every import METHODS, name_of
from studio.run.forecast.forecast import Cost
from studio.ui.recipe.comparison import LETTER, LINE, UNKNOWN, WAITING, comparison_html

WHOLE = 1_000_000_000


def costs(*, alike: bool = False) -> list[Cost]:
    """Made-up costs of every method; with `alike` all of them the same."""
    return [
        Cost(
            method=name_of(method),
            trainable_parameters=0 if alike else min(WHOLE, 4 * 3**number),
            parameters=WHOLE,
            memory_bytes=4 * 10**9 + (0 if alike else 10**8 * number),
            stored_bytes=1000 * (number + 1),
        )
        for number, method in enumerate(METHODS)
    ]


def labels(html: str) -> list[tuple[str, float, float]]:
    inner = html.split('<g class="labels"')[1].split("</g>")[0]
    found = re.findall(r'<text x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]+)</text>', inner)
    return [(text, float(x), float(y)) for x, y, text in found]


def test_it_says_so_while_it_is_worked_out() -> None:
    assert comparison_html(None, "lora") == WAITING
    assert comparison_html([], "lora") == UNKNOWN


def test_every_method_is_in_the_picture_and_in_the_table() -> None:
    html = comparison_html(costs(), "lora")
    picture, table = html.split("</svg>")
    for method in METHODS:
        assert f"<title>{method.title}: good at {method.good_at}" in picture.replace("&#x27;", "'")
        assert f">{method.title}" in table
    assert picture.count('class="ring"') == 1
    assert table.count("aria-current") == 1


def test_the_chosen_method_has_its_label_and_no_label_lies_on_another() -> None:
    for method in METHODS:
        drawn = labels(comparison_html(costs(), name_of(method)))
        assert any(method.title in text for text, _, _ in drawn)
        for (one, x, y), (other, u, v) in combinations(drawn, 2):
            apart = abs(y - v) >= LINE or x + len(one) * LETTER <= u or u + len(other) * LETTER <= x
            assert apart, f"{one} lies on {other}"


@pytest.mark.parametrize("alike", [True, False])
def test_nothing_leaves_the_picture(alike: bool) -> None:
    html = comparison_html(costs(alike=alike), "lora")
    for x, y in re.findall(r'cx="([-\d.]+)" cy="([-\d.]+)"', html):
        assert 0 < float(x) < 960
        assert 0 < float(y) < 420
    assert "nan" not in html
