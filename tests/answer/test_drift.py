import numpy as np
import pytest

from studio.answer.drift import compared, words_of
from studio.answer.evaluation.answered import AnsweredRow, Read
from studio.data.example import Example
from studio.errors import StudioError

WORDS = ["red", "green", "blue", "white", "black", "grey", "brown", "pink"]
OTHERS = ["un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit"]


def examples(number, seed=0, words=WORDS, least=3, label=""):
    chance = np.random.default_rng(seed)
    texts = [" ".join(chance.choice(words, chance.integers(least, least + 5))) for _ in range(number)]
    return [Example(row, text, f"{text.split()[0]} it is", label=label) for row, text in enumerate(texts, 1)]


def answered(rows, source, nats, seed=5):
    chance = np.random.default_rng(seed)
    loss = np.maximum(0.01, chance.normal(nats, 0.2, len(rows)))
    return [
        AnsweredRow(
            row=row.row, prompt=row.prompt, reference=row.completion, answers={}, source=source, label=row.label,
            read={"tuned": Read(nats=6 * each, tokens=6), "base": Read(nats=6 * (each + 1), tokens=6)},
        )
        for row, each in zip(rows, loss, strict=True)
    ]  # fmt: skip


def found(new, nats=0.6, trained_on=None):
    trained_on = trained_on or examples(200)
    rows = answered(new, "new", nats) + answered(examples(len(new), seed=3), "known", 0.6, seed=6)
    drift = compared("amber-fox", trained_on, rows)
    return drift, {each.key: each.verdict for each in drift.comparisons}


def test_rows_of_the_same_kind_have_not_moved():
    drift, verdicts = found(examples(200, seed=1))
    assert set(verdicts.values()) == {"not moved"}
    assert drift.again == "no"
    assert "nothing that was compared has moved" in drift.advice[0]
    assert any("still reads better than the base" in note for note in drift.notes)


def test_other_words_longer_prompts_and_a_worse_loss_have_moved():
    drift, verdicts = found(examples(80, seed=1, words=OTHERS, least=12), nats=2.0)
    assert verdicts["prompt length"] == verdicts["words"] == verdicts["loss"] == "moved"
    assert drift.again == "yes"
    assert "length of prompts" in drift.advice[0]
    assert "amber-fox" in drift.advice[1]
    loss = next(each for each in drift.comparisons if each.key == "loss")
    assert loss.low < 1.4 < loss.high
    words = next(each for each in drift.comparisons if each.key == "words")
    assert set(words.histogram.names) & set(OTHERS)


def test_a_change_that_the_model_can_do_asks_for_no_tuning():
    drift, verdicts = found(examples(200, seed=1, words=OTHERS))
    assert (verdicts["words"], verdicts["loss"]) == ("moved", "not moved")
    assert drift.again == "no"
    assert "reads their answers no worse" in drift.advice[0]


@pytest.mark.parametrize("number", [1, 4])
def test_few_rows_tell_nothing_and_that_is_said(number):
    drift, verdicts = found(examples(number, seed=1, words=OTHERS), nats=3.0)
    assert set(verdicts.values()) == {"cannot tell"}
    assert drift.again == "cannot tell"
    assert "Only" in drift.notes[0]
    assert "50 or more" in drift.advice[0]


def test_a_few_more_rows_that_would_do_are_named():
    drift, verdicts = found(examples(12, seed=1))
    assert verdicts["loss"] == "cannot tell"
    assert "rows of each kind would do" in drift.advice[0]


def test_without_new_rows_or_losses():
    with pytest.raises(StudioError, match="nothing to compare"):
        compared("x", examples(9), [])
    rows = [AnsweredRow(row=1, prompt="red", reference="", answers={}, source="new")]
    drift = compared("x", examples(9), rows)
    assert drift.again == "cannot tell"
    assert "not measured" in drift.advice[0]


def test_classes():
    sides = [*examples(60, label="yes"), *examples(60, seed=1, label="no")]
    skewed, verdicts = found([*examples(50, seed=2, label="yes"), *examples(3, seed=4, label="no")], trained_on=sides)
    assert verdicts["classes"] == "moved"
    classes = next(each for each in skewed.comparisons if each.key == "classes")
    assert (classes.histogram.names, classes.histogram.new) == (["yes", "no"], [50, 3])
    assert found([*examples(150, seed=2, label="yes"), *examples(150, seed=4, label="no")], trained_on=sides)[1][
        "classes"
    ] == "not moved"  # fmt: skip
    unseen, _ = found(examples(40, seed=2, label="<perhaps>"), trained_on=sides)
    assert unseen.again == "yes"
    assert "never taught" in unseen.advice[0]


def test_answers_are_the_classes_of_a_classifier():
    rows = [Example(n, f"text {n}", "ham" if n % 3 else "spam") for n in range(60)]
    drift = compared("x", rows, answered(rows, "new", 0.5), classes=True)
    assert [each.key for each in drift.comparisons] == ["prompt length", "words", "classes"]


def test_histograms_hold_every_row():
    new = examples(30, seed=1)
    drift, _ = found(new)
    for each in drift.comparisons:
        if each.histogram.edges:
            assert sum(each.histogram.new) == each.new_rows
            assert sum(each.histogram.known) == each.known_rows
            assert len(each.histogram.edges) == len(each.histogram.new) + 1


def test_the_same_rows_give_the_same_drift():
    new = examples(30, seed=1)
    assert found(new)[0] == found(new)[0]


def test_words_of_scripts_without_blanks():
    assert words_of("Red, GREEN!") == ["red", "green"]
    assert words_of("东京 tower") == ["东", "京", "tower"]
    assert words_of("") == []
