"""The report on plain values: cards, mends and their undo, progress and plots."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from studio.data.dataset import prepare
from studio.data.findings import Histogram, finding
from studio.data.mends.every import Drop, FixMojibake, TrimSpaces
from studio.data.part import DataPart
from studio.ui.data.cards import cards_html, mends_html
from studio.ui.data.figures import bars_figure, bin_names, intervals_figure, lengths_figure, most_frequent, plot
from studio.ui.data.press import button
from studio.ui.data.report import mended, report_html, undone
from tests.ui.data.rows_known import at, part_of


@pytest.fixture
def part(tmp_path: Path) -> DataPart:
    """40 rows; row 3 repeats row 2, row 5 has no completion, row 7 is mojibake."""
    rows = [(f"question {n}", f"answer {n}") for n in range(1, 41)]
    rows[2], rows[4], rows[6] = rows[1], ("question 5", ""), ("cafÃ© au lait", "voilÃ , câ€™est bon")
    return part_of(tmp_path, rows)


def presses(html: str) -> list[str]:
    """What the buttons of a piece of HTML are pressed as, in their order."""
    return re.findall(r'data-press="([^"]*)"', html)


def test_each_finding_is_a_card_with_its_rows_and_its_mend(part: DataPart) -> None:
    now = at(part)
    assert now.known is not None
    html = report_html(now.known, part, now)
    for found in now.findings:
        assert found.message.split(":")[0] in html
        assert not found.why or "Why it matters" in html
    assert "rows:duplicate" in presses(html)
    assert any(press.startswith("mend:") and press.endswith(":mojibake") for press in presses(html))
    assert "Nothing stands in the way" in html


def test_a_mend_and_its_undo_give_byte_equal_rows_and_the_same_fingerprint(part: DataPart) -> None:
    before = prepare(part)
    place = next(i for i, each in enumerate(before.report.findings) if each.kind == "mojibake")
    after = mended(part, before.report.findings, f"{place}:mojibake")
    assert after.mends == (FixMojibake(),)
    assert prepare(after).examples[6].prompt == "café au lait"
    back = prepare(undone(after, "last"))
    assert list(back.examples) == list(before.examples)
    assert back.fingerprint == before.fingerprint


def test_a_card_that_is_no_longer_true_mends_nothing(part: DataPart) -> None:
    findings = prepare(part).report.findings
    assert mended(part, findings, "0:no-such-kind") == part
    assert mended(part, findings, "99:duplicate") == part
    assert mended(part, findings, "") == part


def test_any_mend_of_the_list_can_be_undone() -> None:
    mends = (TrimSpaces(), Drop(rows=(1,)), FixMojibake())
    part = DataPart(mends=mends)
    assert undone(part, "1").mends == (TrimSpaces(), FixMojibake())
    assert undone(part, "last").mends == mends[:2]
    assert undone(part, "all").mends == ()
    assert undone(part, "7") == part
    assert undone(part, "x") == part


def test_the_list_of_mends_says_what_each_did_and_offers_its_undo() -> None:
    html = mends_html((Drop(rows=(3, 9)), TrimSpaces()))
    assert "2 rows dropped by hand: rows 3 and 9" in html
    assert presses(html) == ["undo:0", "undo:1", "undo:last", "undo:all"]
    assert mends_html(()) == ""


def test_the_gravest_finding_comes_first_and_keeps_its_place_for_the_press() -> None:
    findings = [
        finding("small", [1], "Row 1: a little.", "note"),
        finding("grave", [2], "Row 2: a lot.", "error"),
    ]
    html = cards_html(findings, lambda found: Drop(rows=(1,)))
    assert presses(html) == ["rows:grave", "mend:1:grave", "rows:small", "mend:0:small"]


def test_what_a_file_says_is_text_in_the_report(tmp_path: Path) -> None:
    rows = [(f"<b>{n}</b>", "<script>alert(1)</script>", f"<i>{n % 2}</i>") for n in range(30)]
    part = part_of(tmp_path, rows, ("prompt", "completion", "<u>label</u>"))
    now = at(DataPart.model_validate(part.model_dump() | {"mapped": {"label_column": "<u>label</u>"}}))
    assert now.known is not None
    html = report_html(now.known, now.part, now)
    assert not re.search(r"<(script|i|u)\b", html)
    figure = plot("<b>title</b>", bars_figure(["<i>0</i>"], [3]), "<u>", ("<s>",), [("<q>", 1)])
    assert not re.search(r"<(b|i|u|s|q)>", figure)
    drawn = json.loads(unescape(re.findall(r'data-figure="([^"]*)"', figure)[0]))
    assert "<i>" not in json.dumps(drawn), "plotly takes some tags in its texts"


def test_a_button_cannot_be_broken_out_of() -> None:
    assert '"x"' not in button('a"x"', 'b"x"<i>', says='c"x"')
    assert "<i>" not in button("a", "b<i>")


def test_bars_beyond_the_cut_look_different_and_a_row_as_long_as_the_cut_fits() -> None:
    whole = Histogram(edges=[0, 10, 20, 30], counts=[5, 4, 3])
    figure = lengths_figure(whole, whole, whole, 19)
    fits, cut = figure["data"][:2]
    assert (fits["y"], cut["y"]) == ([5, 4, 0], [0, 0, 3])
    assert cut["marker"]["pattern"]["shape"], "not by colour alone"
    assert figure["layout"]["shapes"][0]["x0"] == 20
    assert bin_names(whole) == ["0 to 9", "10 to 19", "20 and more"]
    assert not lengths_figure(whole, whole, whole, 500)["layout"]["shapes"]


def test_rare_names_are_one_bar_together() -> None:
    names, counts = most_frequent({f"label {n}": 100 - n for n in range(40)})
    assert len(names) == len(counts) == 20
    assert names[-1] == "21 others"
    assert sum(counts) == sum(100 - n for n in range(40))


def test_an_interval_reaches_from_its_low_to_its_high_end() -> None:
    trace: dict[str, Any] = intervals_figure(["women"], [2.0], [(-1.0, 3.5)])["data"][0]
    assert trace["error_x"]["array"] == [1.5]
    assert trace["error_x"]["arrayminus"] == [3.0]


def test_the_held_out_file_is_reported_too(part: DataPart, tmp_path: Path) -> None:
    other = tmp_path / "held.csv"
    other.write_text("prompt,completion\n" + "".join(f"other {n},answer\n" for n in range(5)) + "empty,\n")
    now = at(part.model_copy(update={"held_out_path": str(other)}))
    assert now.known is not None
    assert "Held-out file: Row 6" in report_html(now.known, now.part, now)
    assert replace(now, known=None).waiting
