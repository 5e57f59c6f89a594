import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.answer.evaluation.request import Rule
from studio.answer.evaluation.result import Scores
from studio.answer.metrics.registry import METRICS
from studio.answer.metrics.scoring import judged, score_rows
from studio.errors import StudioError
from tests.answer.metrics.rows import read, request, row, rows_of

PROSE = [f"the {thing} stands behind the old mill" for thing in ("clock", "horse", "lamp", "cart", "bench", "dog")] * 4
NOISE = ["I do not know that"] * 24


def named(scores, name):
    return next(each for each in scores.metrics if each.name == name)


def test_every_metric_is_named_once_and_says_what_it_is():
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert metric.title
        assert metric.help.endswith("."), metric.name
        assert metric.better == "neither" or "better" in metric.help, metric.name


def test_tuned_is_better_than_the_base_and_it_is_said():
    scores = score_rows(rows_of(PROSE, NOISE, PROSE), request(rows_are="24 of 120 held-out rows"))
    assert scores.main == "rouge_l_f"
    assert scores.headline == "On 24 of 120 held-out rows the tuned model is better: ROUGE-L F 100 %, the base 0 %."
    assert named(scores, "exact_match").differences["tuned"].verdict == "better"
    assert "base" not in named(scores, "exact_match").differences
    assert scores.values["exact_match"] == {"base": [0.0] * 24, "tuned": [1.0] * 24}
    assert "bleu" not in scores.values
    assert not named(scores, "bleu").per_row
    assert named(scores, "bleu").figures["tuned"].value == pytest.approx(1)
    assert Scores.model_validate_json(scores.model_dump_json()) == scores


def test_the_same_answers_cannot_be_told_apart():
    scores = score_rows(rows_of(PROSE, NOISE, NOISE), request())
    assert {each.differences["tuned"].verdict for each in scores.metrics} == {"cannot tell"}
    assert "it cannot be told whether the tuned model is better" in scores.headline


def test_json_is_recognised_and_judged():
    right = [json.dumps({"a": i, "b": "x"}) for i in range(8)]
    half = [json.dumps({"a": i}) for i in range(8)]
    scores = score_rows(rows_of(right, ["sorry"] * 8, half), request())
    assert scores.main == "json_fields"
    assert scores.why[0] == "All 8 references are JSON objects, so validity and fields are judged."
    assert named(scores, "json_fields").figures["tuned"].value == 0.5
    assert named(scores, "json_valid").figures["base"].text == "0 of 8"
    assert "rouge_l_f" not in {each.name for each in scores.metrics}


def test_numbers_are_recognised_and_judged():
    right = [f"She has {i} apples\n#### {i}" for i in range(7)] + ["nothing"]
    scores = score_rows(rows_of(right, ["7"] * 8, [*right[:6], "x", "y"]), request())
    assert scores.why[0] == "7 of 8 references end in a number, so the number is judged."
    assert scores.main == "number_match"
    assert named(scores, "number_match").figures["tuned"].text == "6 of 7"
    assert scores.values["number_match"]["tuned"][6:] == [0.0, None]


def test_a_number_at_the_end_of_half_of_them_is_judged_but_not_first():
    right = [f"the mill was built in {1800 + i}" for i in range(5)] + [
        f"nobody knows the {i} of them any more" for i in range(5)
    ]
    scores = score_rows(rows_of(right, right, right), request())
    assert named(scores, "number_match").figures["base"].text == "5 of 5"
    assert scores.main == "rouge_l_f"


def test_a_few_json_objects_that_come_again_are_no_labels():
    assert score_rows(rows_of(['{"a": 1}', '{"a": 2}'] * 5, ["x"] * 10, ["y"] * 10), request()).main == "json_fields"


def test_labels_are_recognised_and_judged():
    right = ["roof", "clock", "shoe"] * 5
    scores = score_rows(rows_of(right, ["roof"] * 15, right), request())
    assert scores.why[0].startswith("The references are 3 labels ('roof', 'clock', 'shoe')")
    assert scores.main == "label_accuracy"
    assert named(scores, "label_accuracy").figures["base"].text == "5 of 15"
    assert named(scores, "macro_f1").figures["tuned"].value == 1
    assert scores.confusion["base"].counts == [[5, 0, 0, 0]] * 3
    assert not {"rouge_1_f", "number_match"} & {each.name for each in scores.metrics}


def test_classes_of_a_classifier_need_not_be_recognised():
    scores = score_rows(rows_of(["b", "a"], ["a", "a"], ["b", "c"]), request(task="classes"))
    assert {each.name for each in scores.metrics} == {"label_accuracy", "macro_f1"}
    assert scores.confusion["tuned"].labels == ["a", "b", "c"] or len(scores.confusion["tuned"].labels) == 3


def test_loss_and_perplexity_come_from_what_was_read():
    rows = [row(i, "r", read={"base": read(20 + i, 10), "tuned": read(10 + i, 10)}) for i in range(10)]
    scores = score_rows(rows, request(kind="drift"))
    assert {each.name for each in scores.metrics} == {"loss", "perplexity"}
    assert scores.main == "loss"
    assert named(scores, "perplexity").figures["base"].value == pytest.approx(math.exp(245 / 100))
    assert named(scores, "loss").differences["tuned"].value == pytest.approx(-1)
    assert named(scores, "loss").differences["tuned"].verdict == "better"


def test_a_part_is_scored_by_the_same_metrics():
    rows = rows_of(["roof", "clock", "shoe"] * 5, ["roof"] * 15, ["clock"] * 15)
    found = judged(rows, request())
    part = found.scores(range(0, 15, 3))  # all of them "roof", which alone would be no labels
    assert part.main == "label_accuracy"
    assert named(part, "label_accuracy").figures["base"].text == "5 of 5"
    assert len(part.values["exact_match"]["base"]) == part.n == 5
    assert score_rows(rows, request(), range(0, 15, 3)) == part


def test_missing_answers_count_for_nobody():
    rows = rows_of(PROSE, [None] * 12 + PROSE[12:], [*PROSE[:18], *[None] * 6])
    scores = score_rows(rows, request())
    exact = named(scores, "exact_match")
    assert exact.figures["base"].text == "12 of 12"
    assert exact.figures["tuned"].text == "18 of 18"
    assert exact.differences["tuned"].text == "0 of 6"
    assert scores.values["exact_match"]["base"][:12] == [None] * 12


def test_a_contestant_who_said_nothing_has_no_figure():
    scores = score_rows(rows_of(PROSE, [None] * 24, PROSE), request())
    assert set(named(scores, "exact_match").figures) == {"tuned"}
    assert not named(scores, "exact_match").differences
    assert scores.headline == "On 24 rows, ROUGE-L F: the tuned model has 100 %."


def test_marks_own_values_and_rules_are_metrics():
    rows = [
        row(i, "a b c", "a", "a b", marks={"base": 0.1, "tuned": 0.9}, own={"base": 5.0, "tuned": 7.5})
        for i in range(9)
    ]
    scores = score_rows(rows, request(rules=(Rule(kind="contains", text="B"),)))
    assert named(scores, "judge").figures["tuned"].value == pytest.approx(0.9)
    assert named(scores, "own").figures["tuned"].text == "7.5"
    rule = named(scores, "rule_1")
    assert (rule.title, rule.family) == ("Contains 'B'", "rules")
    assert rule.differences["tuned"].verdict == "better"


def test_metrics_can_be_asked_for():
    scores = score_rows(rows_of(PROSE, NOISE, PROSE), request(metrics=("chrf", "length")))
    assert [each.name for each in scores.metrics] == ["chrf", "length"]
    assert scores.main == "chrf"
    with pytest.raises(StudioError, match=r"no metric 'rogue'.*rouge_1_f"):
        score_rows(rows_of(PROSE, NOISE, PROSE), request(metrics=("rogue",)))


@pytest.mark.parametrize("number", [0, 1, 2])
def test_few_rows_are_no_reason_to_fall_over(number):
    scores = score_rows(rows_of(PROSE[:number], NOISE[:number], PROSE[:number]), request())
    assert scores.n == number
    assert all(each.verdict == "cannot tell" for m in scores.metrics for each in m.differences.values())
    if not number:
        assert scores.headline == "There is nothing to score yet: no row was answered."


def test_it_says_to_decide_by_one_metric():
    assert score_rows(rows_of(PROSE, NOISE, PROSE), request()).why[-1].startswith("Each interval misses the truth once")


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(*[st.sampled_from(["", "a", "a b c d e", "7", '{"a": 1}', "I cannot", "猫 猫"])] * 3), max_size=8
    )
)
def test_figures_are_finite_and_within_their_intervals(texts):
    scores = score_rows(rows_of(*(list(column) for column in zip(*texts, strict=True))) if texts else [], request())
    figures = [f for m in scores.metrics for f in [*m.figures.values(), *m.differences.values()]]
    for figure in figures:
        assert np.isfinite([figure.value, figure.low, figure.high]).all()
        assert figure.low - 1e-9 <= figure.value <= figure.high + 1e-9
        assert figure.text
    for metric in scores.metrics:
        if metric.unit == "share":
            assert all(f.low >= -1e-9 and f.high <= 1 + 1e-9 for f in metric.figures.values())


def test_what_has_no_mark_is_said():
    rows = [row(i, "a b c", "a", "a b", marks={"base": 0.1} if i else {}) for i in range(9)]
    why = score_rows(rows, request()).why
    assert (
        "Judge: 10 answers have no value (no mark came in time, or none in the judge's words), and no part"
        in " ".join(why)
    )
