"""The bias lens on plain values."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from studio.data.dataset import prepare
from studio.data.lens.groups import bundled_terms, lens, read_terms
from studio.data.part import DataPart
from studio.ui.data.groups import see, show
from studio.ui.data.lens_html import lens_html
from tests.ui.data.rows_known import part_of

TERMS = "gender:\n  women: [woman, she]\n  men: [man, he]\n  others: [nobody]\n"


def studio_that_knows(prepared: Any) -> Any:
    return SimpleNamespace(desk=SimpleNamespace(known=lambda part: prepared))


def rows(folder: Path) -> DataPart:
    """90 rows: 30 with women and long answers, 30 with men and short ones, 30 with neither."""
    women = [(f"Who is woman {n}?", "She is " + "very " * 20 + f"kind {n}") for n in range(30)]
    men = [(f"Who is man {n}?", f"Kind {n}") for n in range(30)]
    return part_of(folder, [*women, *men, *((f"What is {n}?", f"It is {n} of them") for n in range(30))])


def test_groups_are_counted_compared_and_put_in_words(tmp_path: Path) -> None:
    part = rows(tmp_path)
    html = see(studio_that_knows(prepare(part)), part, TERMS)
    assert "30 rows mention women" in html
    assert "longer" in html
    assert "No row mentions others." in html
    assert "95 % interval" in html
    assert html.count('class="data-plot"') == 1, "lengths; there are no labels, and nothing is refused"


def test_the_difference_is_drawn_as_it_was_measured(tmp_path: Path) -> None:
    found = lens(prepare(rows(tmp_path)).examples, read_terms(TERMS))
    women = found.groups[0]
    assert women.words is not None
    html = lens_html(found)
    value = women.words.value - women.words.others
    assert f"&quot;x&quot;:[{value}" in html
    assert re.search(r"The interval does not hold zero for gender: women", html)


def test_a_faulty_word_list_is_refused_with_its_line(tmp_path: Path) -> None:
    part = rows(tmp_path)
    html = see(studio_that_knows(prepare(part)), part, "gender:\n  women: [woman\n  men: x")
    assert "note-error" in html
    assert "line 3" in html
    assert "note-error" in see(studio_that_knows(prepare(part)), part, "")


def test_no_group_and_no_rows_are_said(tmp_path: Path) -> None:
    part = rows(tmp_path)
    assert "None of 90 rows" in see(studio_that_knows(prepare(part)), part, "a:\n  b: [zebra]\n")
    assert "being read" in see(studio_that_knows(None), part, TERMS)
    assert "no rows yet" in see(studio_that_knows(None), DataPart(), TERMS)
    assert show(DataPart(), "") != show(part, "")


def test_the_bundled_list_reads_and_names_are_text(tmp_path: Path) -> None:
    assert len(read_terms(bundled_terms())) > 5
    part = part_of(tmp_path, [(f"a {n} zebra", "b") for n in range(30)] + [(f"c {n}", "d") for n in range(30)])
    html = see(studio_that_knows(prepare(part)), part, "'<i>':\n  '<b>x</b>': [zebra]\n")
    assert not re.search(r"<(b|i)>", html)
