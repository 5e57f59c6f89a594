import pytest

from studio.answer.metrics.manner import empty, length, length_ratio, refusal, refuses, repetition


def test_length_and_its_ratio():
    assert length("one two, three", "") == 3
    assert length_ratio("one two three", "one two") == 1.5
    assert length_ratio("one", "…") is None


def test_repetition_by_hand():
    # 7 words hold 4 runs of four: abca bcab cabc abca, 3 of them distinct.
    assert repetition("a b c a b c a", "") == pytest.approx(1 - 3 / 4)
    assert repetition("a b c", "") == 0
    assert repetition("la " * 50, "") == pytest.approx(1 - 1 / 47)


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can’t do that.",
        "“I CANNOT help",
        "Es tut mir leid, das geht nicht",
        "抱歉，我不能",
        "As an AI model",
    ],
)
def test_refusals_are_found(text):
    assert refuses(text)


@pytest.mark.parametrize("text", ["", "I can", "I cannotate", "He said: I cannot", "Sorry is a word", "I canton"])
def test_other_texts_are_no_refusals(text):
    assert not refuses(text)


def test_a_refusal_that_the_reference_asks_for_does_not_count():
    assert refusal("I cannot say", "It is 5") == 1
    assert refusal("I cannot say", "I cannot tell you that") is None


def test_empty():
    assert (empty(" \n", "x"), empty("x", "")) == (1, 0)
