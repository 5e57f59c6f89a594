"""The bias lens on rows small enough to work by hand."""

import numpy as np
import pytest

from studio.data.example import Example, Examples
from studio.data.lens.groups import GroupSeen, Lens, lens
from studio.data.lens.terms import Group
from studio.intervals import median_difference, share_difference

WOMEN = Group("gender", "women", ("woman", "women"))
MEN = Group("gender", "men", ("man", "men"))


def words(number: int) -> str:
    return " ".join(["word"] * number)


def rows() -> Examples:
    """40 rows ask about women, with 1 to 40 words, 10 of them refused; 60 about nobody, with 101 to 160 words."""
    asked = [
        Example(n, f"A Woman {n}?", "I cannot " + words(n - 2) if 2 < n <= 12 else words(n), label="yes")
        for n in range(1, 41)
    ]
    rest = [
        Example(n, f"Trees {n}?", ("the men " if n == 41 else "") + words(n + 60 - 2 * (n == 41)), label="no")
        for n in range(41, 101)
    ]
    return Examples.of([*asked, *rest])


def seen(found: Lens, name: str) -> GroupSeen:
    return next(group for group in found.groups if group.name == name)


def test_figures_worked_by_hand() -> None:
    women = seen(lens(rows(), [WOMEN, MEN]), "women")
    assert (women.rows, women.compared, women.others, women.asked) == (40, 40, 60, True)
    assert women.shown == list(range(1, 41))
    assert women.words is not None
    assert (women.words.value, women.words.others) == (20.5, 130.5)
    assert women.words.interval == median_difference(np.arange(1, 41), np.arange(101, 161))
    assert women.refusals is not None
    assert (women.refusals.value, women.refusals.others) == (0.25, 0)
    assert women.refusals.interval == share_difference(10, 40, 0, 60)
    assert {name: (each.value, each.others) for name, each in women.labels.items()} == {"no": (0, 1), "yes": (1, 0)}


def test_plain_words() -> None:
    said = seen(lens(rows(), [WOMEN]), "women").sentences
    assert said[0] == "40 rows mention women (40 % of 100), 40 of them in the prompt."
    assert said[1].startswith("Rows whose prompt mentions women have completions 1")
    assert said[1].endswith("words shorter (medians 20.5 and 130.5).")
    assert said[2].startswith("Completions of rows whose prompt mentions women begin like a refusal more often than")
    assert "(25 % of them, 0 % of the others)" in said[2]
    assert "have the label 'yes' more often than others" in said[4]


def test_too_few_rows_say_nothing() -> None:
    found = lens(rows(), [WOMEN, MEN, Group("age", "children", ("child",))])
    assert seen(found, "men").sentences == [
        "1 row mentions men (1 % of 100), 0 of them in the prompt.",
        "Too few rows whose prompt mentions men (0) to say how completions differ; 20 are needed.",
    ]
    assert seen(found, "children").sentences == ["No row mentions children."]
    few = lens(rows().take([*range(19), *range(40, 100)]), [WOMEN]).groups[0]
    assert few.words is not None
    assert few.words.interval is None
    assert "Too few rows whose prompt mentions women (19)" in few.sentences[1]


def test_no_difference_is_no_difference_and_not_a_verdict() -> None:
    even = Examples.of(Example(n, f"{'a woman' if n % 2 else 'a tree'} {n}", words(5 + n // 2 % 7)) for n in range(200))
    said = lens(even, [WOMEN]).groups[0].sentences
    assert "about the same length" in said[1]
    assert said[2] == "No completion begins like a refusal."


def test_that_long_answers_hold_more_words_is_not_taken_for_a_difference() -> None:
    """Each answer of over 30 words holds "women" by chance; who is asked about makes no difference."""
    long = Examples.of(
        Example(n, f"{'a woman' if n % 2 else 'a tree'} {n}", words(n // 2) + (" women" if n > 60 else ""))
        for n in range(200)
    )
    women = lens(long, [WOMEN]).groups[0]
    assert women.rows > women.compared == 100
    assert women.words is not None
    assert women.words.interval is not None
    assert women.words.interval[0] < 0 < women.words.interval[1]


def test_plain_text_has_no_prompt_and_is_compared_as_it_is() -> None:
    texts = Examples.of(
        (Example(n, "", f"{'women' if n < 50 else 'trees'} {words(n)}") for n in range(100)), "language modeling"
    )
    women = lens(texts, [WOMEN]).groups[0]
    assert (women.compared, women.asked) == (50, False)
    assert women.sentences[:2] == [
        "50 rows mention women (50 % of 100).",
        "Lengths are not compared: a longer text is likelier to hold any word.",
    ]
    assert women.words is None


@pytest.mark.parametrize("count", [0, 1])
def test_no_rows_and_no_words(count: int) -> None:
    some = rows().take(range(count))
    assert lens(some, []).groups == []
    assert lens(some, [MEN]).groups[0].rows == 0


@pytest.mark.parametrize(
    ("text", "refuses"),
    [
        ("I cannot help", True), ("I’m sorry, but I can’t", True), ("As an AI language model", True),
        ("Es tut mir leid,", True), ("Désolé, je ne peux pas", True), ("抱歉，我不能", True), ("I can help", False),
        ("Sorry is a word", False), ("Here is why I cannot", False), ("", False),
    ],
)  # fmt: skip
def test_refusals_by_how_they_begin(text: str, refuses: bool) -> None:
    some = Examples.of([Example(1, "a man", text), Example(2, "b", "c")])
    refusals = lens(some, [MEN]).groups[0].refusals
    assert refusals is not None
    assert refusals.value == refuses


def test_the_completion_length_of_chinese_is_in_signs() -> None:
    some = Examples.of([Example(1, "a man", "你好 world"), Example(2, "b", "c")])
    found = lens(some, [MEN]).groups[0].words
    assert found is not None
    assert found.value == 3


def test_many_rows_in_many_batches_and_another_order() -> None:
    many = Examples.of_columns(
        np.arange(50_000),
        {"prompt": [("a man" if n % 10 == 0 else "a tree") for n in range(50_000)], "completion": ["x"] * 50_000},
    )
    found = lens(many.take(np.arange(50_000)[::-1]), [MEN]).groups[0]
    assert (found.rows, found.shown[:2]) == (5_000, [49_990, 49_980])


def test_letters_with_their_accents_apart_are_the_same_letters() -> None:
    some = Examples.of([Example(1, "une e\u0301le\u0300ve", "oui"), Example(2, "b", "c")])
    assert lens(some, [Group("a", "pupils", ("\u00e9l\u00e8ve",))]).groups[0].rows == 1
