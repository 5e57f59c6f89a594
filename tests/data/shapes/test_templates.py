"""Templates: only names in braces, and nothing of a cell is ever read as a template."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.shapes.templates import columns_of, filled
from studio.errors import StudioError
from tests.data.files.tables import table

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(deadline=None)
@given(TEXT, TEXT, TEXT, TEXT)
def test_every_character_comes_through(before: str, between: str, first: str, second: str) -> None:
    def fixed(text: str) -> str:
        return text.replace("{", "{{").replace("}", "}}")

    template = f"{fixed(before)}{{a b.c}}{fixed(between)}{{d!r}}"
    rows = table({"a b.c": first, "d!r": second})
    assert filled(template, rows).to_pylist() == [f"{before}{first}{between}{second}"]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{who} {q}", "names 'who', which the file does not have as a column. Its columns are 'q'"),
        ("{q.__class__}", "names 'q.__class__'"),
        ("{q!r:>99999999}", "names 'q!r:>99999999'"),
        ("{0} {}", "names '0' and ''"),
        ("{q", "a single '{'"),
        ("q} {q}", "a single '}'"),
        ("{{q}}", "names no column"),
        ("plain", "names no column"),
    ],
)
def test_what_is_no_template_says_why(template: str, expected: str) -> None:
    with pytest.raises(StudioError) as caught:
        columns_of(template, ["q"])
    assert expected in str(caught.value)


def test_blanks_within_the_braces_are_forgiven() -> None:
    assert columns_of("{ q } {q}", ["q"]) == ["q"]
