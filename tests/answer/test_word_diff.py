"""Two texts, word by word."""

import random
from itertools import pairwise

import pytest

from studio.answer.word_diff import MOST_PAIRS, word_diff

WORDS = [
    "red",
    "blue",
    " green",
    "\n",
    "  ",
    ".",
    "it's",
    "我",
    "喜欢",
    "\u202e",
    "<b>",
    "🙂",
    "\ud800",
    "-",
    "\x1b[31m",
]


def of(diff, side):
    return "".join(text for at, text in diff.parts if at in ("both", side))


@pytest.mark.parametrize(
    ("first", "other", "parts"),
    [
        ("", "", []),
        ("same", "same", [("both", "same")]),
        ("", "new", [("other", "new")]),
        ("The cat sat.", "The dog sat.", [("both", "The"), ("first", " cat"), ("other", " dog"), ("both", " sat.")]),
        ("Red it is", "The Red it is", [("other", "The "), ("both", "Red it is")]),
        ("one\ntwo", "one two", [("both", "one"), ("first", "\n"), ("other", " "), ("both", "two")]),
        ("我喜欢红色", "我喜欢蓝色", [("both", "我喜欢"), ("first", "红"), ("other", "蓝"), ("both", "色")]),
        ("don't go", "do go", [("first", "don't"), ("other", "do"), ("both", " go")]),
        ("end", "end ", [("both", "end"), ("other", " ")]),
    ],
)
def test_words_and_spaces(first, other, parts):
    assert word_diff(first, other).parts == parts


@pytest.mark.parametrize("seed", range(40))
def test_joined_they_are_the_texts_again(seed):
    chance = random.Random(seed)
    first, other = ("".join(chance.choices(WORDS, k=chance.randrange(40))) for _ in range(2))
    diff = word_diff(first, other)
    assert (of(diff, "first"), of(diff, "other")) == (first, other)
    sides = [side for side, _ in diff.parts]
    assert all(one != two for one, two in pairwise(sides)), "stretches of one side are one"
    assert diff.whole


def test_a_word_that_comes_often_is_no_junk():
    """difflib's heuristic drops words that are over 1 % of a text of 200 words, and finds nothing in common then."""
    first = "the " * 150 + "cat " + "a b " * 60
    diff = word_diff(first, "dog " + first.replace("cat ", "cow "))
    shared = sum(len(text) for side, text in diff.parts if side == "both")
    assert shared > 0.9 * len(first)


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ("red blue " * 20_000, "blue red red " * 15_000),
        ("x " * 500_000, "y " * 500_000),
        ("x" * 1_000_000, "x" * 999_999 + "y"),
        (" " * 150_000, "\n" * 150_000),
    ],
    ids=["looping", "nothing shared", "one long word", "spaces"],
)
def test_huge_texts_are_bounded_and_still_whole(first, other):
    diff = word_diff(first, other)
    assert (of(diff, "first"), of(diff, "other")) == (first, other)
    assert len(diff.parts) < MOST_PAIRS / 100


def test_it_says_where_it_gave_up():
    assert not word_diff("red blue " * 20_000, "blue red red " * 15_000).whole
    assert word_diff("same " * 30_000, "same " * 30_000 + "end").whole
