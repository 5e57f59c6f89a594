"""Rows as the page lists them: by change, narrowed down, a page at a time."""

from __future__ import annotations

import pytest

from studio.answer.evaluation.answered import AnsweredRow
from studio.answer.evaluation.request import Contestant, Request
from studio.answer.evaluation.result import MetricResult, Scores
from studio.answer.voice import Voice
from studio.ui.evaluate.rows import MOST_SHOWN, PAGE, View, opened, page_of, value_text
from tests.ui.evaluate.finished import HOSTILE

MODEL = Voice.of_model("starter")
REQUEST = Request(contestants=tuple(Contestant(name=name, voice=MODEL) for name in ("base", "tuned")))


def rows_of(*answers: tuple[str, str]) -> list[AnsweredRow]:
    return [
        AnsweredRow(row=10 + place, prompt=f"Question {place}", reference="yes", answers={"base": one, "tuned": two})
        for place, (one, two) in enumerate(answers)
    ]


def scores_of(
    base: list[float | None], tuned: list[float | None], unit: str = "share", better: str = "higher"
) -> Scores:
    metric = MetricResult.model_validate(
        {
            "name": "m",
            "title": "Metric",
            "help": "",
            "family": "match",
            "better": better,
            "unit": unit,
            "per_row": True,
            "figures": {},
            "differences": {},
        }
    )
    values = {"m": {"base": base, "tuned": tuned}}
    return Scores(n=len(base), against="base", metrics=[metric], main="m", why=[], headline="", values=values)


ROWS = rows_of(("no", "yes"), ("yes", "no"), ("yes", "yes"), ("no", "no"))
SCORES = scores_of([0.0, 1.0, 1.0, 0.0], [1.0, 0.0, 1.0, None])


def shown(view: View, rows=ROWS, scores=SCORES) -> list[int]:
    return [line["row"] for line in page_of(rows, scores, view)["rows"]]


@pytest.mark.parametrize(
    ("show", "rows"),
    [
        ("all", [10, 11, 12, 13]),
        ("improved", [10]),
        ("worsened", [11]),
        ("broken", [11]),
        ("mended", [10]),
        ("worst", [11, 10, 12]),
    ],
)
def test_rows_are_narrowed_to_what_changed(show, rows):
    assert shown(View(show=show)) == rows


def test_what_is_better_when_lower_improves_by_falling():
    scores = scores_of([5.0, 1.0, 2.0, 3.0], [1.0, 4.0, 2.0, 2.5], unit="nats", better="lower")
    assert shown(View(show="improved"), scores=scores) == [10, 13]
    assert shown(View(show="worst"), scores=scores) == [11, 13, 12, 10]
    page = page_of(ROWS, scores, View())
    assert [(line["change"], line["turned"]) for line in page["rows"]] == [
        ("−4.00", "better"),
        ("+3.00", "worse"),
        ("0.00", ""),
        ("−0.50", "better"),
    ]


def test_by_a_loss_no_row_is_right_or_wrong_and_it_is_said():
    scores = scores_of([5.0] * 4, [1.0] * 4, unit="nats", better="lower")
    page = page_of(ROWS, scores, View(show="broken"))
    assert page["rows"] == []
    assert page["why_none"] == "By “Metric” a row is neither right nor wrong. Choose another metric."


def test_rows_are_sorted_by_each_column_and_those_without_a_value_come_last():
    assert shown(View(order="change")) == [11, 12, 10, 13]
    assert shown(View(order="change", down=True)) == [10, 12, 11, 13]
    assert shown(View(order="row", down=True)) == [13, 12, 11, 10]
    assert shown(View(order="value", down=True)) == [10, 12, 11, 13]


def test_text_and_row_numbers_are_found():
    assert shown(View(search="QUESTION 2")) == [12]
    assert shown(View(search="#13")) == [13]
    assert shown(View(search="nowhere")) == []


def test_thousands_of_rows_come_a_page_at_a_time():
    rows = rows_of(*[("no", "yes")] * 120)
    scores = scores_of([0.0] * 120, [1.0] * 120)
    page = page_of(rows, scores, View(page=1))
    assert (page["of"], page["found"], page["pages"], len(page["rows"])) == (120, 120, 3, PAGE)
    assert page["rows"][0]["row"] == 60
    last = page_of(rows, scores, View(page=99))
    assert (last["page"], len(last["rows"])) == (2, 20)


def test_an_opened_row_tells_each_answer_against_the_reference():
    told = opened(ROWS[0], 0, SCORES, ["base", "tuned"])
    base, tuned = told["answers"]
    assert base["parts"] == [["first", "no"], ["other", "yes"]]
    assert tuned["parts"] == [["both", "yes"]]
    assert tuned["values"] == [{"title": "Metric", "text": "100 %"}]


def test_a_hostile_answer_of_a_megabyte_is_cut_and_stays_text():
    rows = rows_of(("yes", HOSTILE + " x" * 500_000))
    scores = scores_of([1.0], [0.0])
    line = page_of(rows, scores, View())["rows"][0]
    assert line["answer"].startswith(HOSTILE)
    assert len(line["answer"]) < 300
    answer = opened(rows[0], 0, scores, ["base", "tuned"])["answers"][1]
    assert (len(answer["text"]), answer["more"]) == (MOST_SHOWN, len(HOSTILE) + 1_000_000 - MOST_SHOWN)
    assert "".join(text for side, text in answer["parts"] if side != "other") == answer["text"]


@pytest.mark.parametrize(
    ("value", "unit", "signed", "text"),
    [
        (0.333, "share", False, "33 %"),
        (-0.333, "share", True, "−33"),
        (0.0, "share", True, "0"),
        (1.234, "nats", False, "1.23"),
        (7.0, "words", True, "+7"),
        (None, "share", False, "–"),
    ],
)
def test_values_of_rows_are_said_plainly(value, unit, signed, text):
    assert value_text(value, unit, signed) == text
