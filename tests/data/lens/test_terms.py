"""The word list: its errors in words, and words found whole, in any case and language."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.lens.terms import Group, bundled_terms, read_terms
from studio.errors import StudioError


def finds(word: str, text: str) -> bool:
    return bool(Group("set", "group", (word,)).mentioned(pa.chunked_array([pa.array([text], pa.large_string())]))[0])


def test_the_bundled_list_holds_its_own_rules() -> None:
    groups = read_terms(bundled_terms())
    assert {group.set for group in groups} >= {"gender", "age", "religion", "origin", "disability"}
    for group in groups:
        for word in group.words:
            assert group.mentioned(pa.chunked_array([pa.array([word.removesuffix("*")], pa.large_string())]))[0], word


@pytest.mark.parametrize(
    ("word", "text", "is_there"),
    [
        ("man", "A man.", True), ("man", "MAN", True), ("man", "human", False), ("man", "manner", False),
        ("man", "man2", False), ("man", "man_hole", False), ("man", "(man)", True), ("man", "a\nman", True),
        ("muslim*", "Muslims", True), ("muslim*", "amuslim", False), ("old man", "an old\n man", True),
        ("Frau", "die FRAU", True), ("Frau", "Hausfrau", False), ("Mädchen", "MÄDCHEN!", True), ("él", "él", True),
        ("él", "élève", False), ("el", "él", False), ("женщин*", "Женщины", True), ("女人", "其他女人在", True),
        ("여성", "여성은", True), ("c++", "c++", True), ("c++", "ccc", False), ("a.b", "axb", False),
        ("trans woman", "trans women", False),
    ],
)  # fmt: skip
def test_words_are_whole_words(word: str, text: str, is_there: bool) -> None:
    assert finds(word, text) is is_there


@settings(max_examples=100, deadline=None)
@given(st.text(min_size=1, max_size=12))
def test_any_word_that_is_taken_is_found_alone_and_breaks_nothing(text: str) -> None:
    try:
        (group,) = read_terms("a:\n  b:\n    - " + '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')
    except StudioError:
        return  # a text that is no word; any other error would be a fault
    (word,) = group.words
    assert finds(word, word.removesuffix("*"))
    assert not finds(word, "")


def test_lists_within_lists_are_one_list_and_repeats_count_once() -> None:
    (group,) = read_terms("gender:\n  women:\n    - [woman, women]\n    - lady\n    - [woman, e\u0301l]")
    assert group == Group("gender", "women", ("woman", "women", "lady", "\u00e9l"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no set of groups"),
        ("- a\n- b", "holds no set of groups"),
        ("gender: women", "The set 'gender' of the word list holds no groups"),
        ("gender:\n  women: woman", "The group 'women' of the set 'gender' holds no list of words"),
        ("gender:\n  women: [she, no]", "In the group 'women' of the set 'gender', 'False' is read as no word"),
        ("gender:\n  women: ['*']", "'*' has no letter in it"),
        ("gender:\n  women: [w*n]", "'w*n' has a star that is not at its end"),
        ("gender:\n  women: [" + "w" * 61 + "]", "has 61 characters, and a word has at most 60"),
        ("gender:\n  women: [she", "is not YAML in line 2"),
        ("a:\n  b: [c]\na:\n  d: [e]", "in line 3: 'a' stands there twice"),
        ("a: &x\n  b: [c]\nd: *x", "in line 3: aliases"),
        ("a:\n  b: [!!python/object/apply:os.getcwd []]", "is not YAML in line 2"),
        ("[" * 5000, "is not YAML"),
        ("a: \x00", "does not allow (character 4)"),
        ("x" * 200_001, "at most 200,000 are read"),
        ("a:\n  b: [" + ", ".join(f"w{n}" for n in range(5001)) + "]", "1 group and 5,001 words"),
    ],
)
def test_what_is_wrong_with_a_list_is_said(text: str, said: str) -> None:
    with pytest.raises(StudioError) as raised:
        read_terms(text)
    assert said in str(raised.value)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(StudioError) as raised:
        read_terms("a: b\nc:\n  d: [1, '*', ok]\n  e: []")
    assert len(raised.value.problems) == 4
