"""Panes side by side, and where their models part ways."""

import json

from studio.answer.differences import CUT, HALF, NO_TOKENS, OTHERWISE_ASKED, SAME, Answer, Chance, differences
from studio.answer.wire import Piece

ASKED = [{"role": "user", "content": "What colour is the sky?"}]


def said(*tokens, asked=ASKED, ended=True):
    pieces = [token if isinstance(token, Piece) else Piece(token, 0.9, [("x", 0.05)]) for token in tokens]
    return Answer(asked, "".join(piece.text for piece in pieces), pieces, ended)


def only(first, other):
    (difference,) = differences({"a": first, "b": other})
    return difference


BLUE = said("The", " sky", Piece(" blue", 0.6, [(" green", 0.2), (" red", 0.1)]), ".", "")
GREEN = said("The", " sky", Piece(" green", 0.7, [(" red", 0.2), (" pink", 0.04)]), ".", "")


def test_the_first_place_with_what_each_model_gave_both_tokens():
    parting = only(BLUE, GREEN).parting
    assert (parting.after, parting.shared, parting.tokens) == (2, "The sky", (" blue", " green"))
    (blue_by_first, green_by_first), (blue_by_other, green_by_other) = parting.p
    assert (blue_by_first, green_by_first, green_by_other) == (Chance(0.6), Chance(0.2), Chance(0.7))
    assert blue_by_other == Chance(0.04, under=True), "not among the likeliest: at most the least likely of them"


def test_no_more_is_left_than_the_others_leave():
    sure = said(Piece("yes", 0.97, [("no", 0.02), ("so", 0.009)]))
    parting = only(said("maybe"), sure).parting
    assert parting.p[1][0].under
    assert abs(parting.p[1][0].p - 0.001) < 1e-9


def test_each_pane_is_compared_with_the_first():
    found = differences({"a": BLUE, "b": GREEN, "c": BLUE})
    assert [each.panes for each in found] == [("a", "b"), ("a", "c")]
    assert (found[1].parting, found[1].why_none) == (None, SAME)
    assert found[1].words == [("both", "The sky blue.")]
    assert differences({"a": BLUE}) == []
    assert differences({}) == []


def test_one_that_ends_where_the_other_goes_on_parts_there():
    longer = said("The", " sky", " is")
    for shorter in (said("The", " sky", ""), said("The", " sky")):
        parting = only(shorter, longer).parting
        assert (parting.after, parting.tokens) == (2, ("", " is"))
    assert parting.p[0] == (None, None), "the end was no token of its own, so nothing is known of it"


def test_an_answer_that_was_cut_did_not_part():
    cut = said("The", " sky", ended=False)
    assert (only(cut, BLUE).parting, only(cut, BLUE).why_none) == (None, CUT)
    assert only(BLUE, cut).why_none == CUT
    assert only(cut, said("The", " sky", ended=False)).why_none == CUT


def test_panes_that_were_asked_differently_share_no_place():
    shots = [{"role": "user", "content": "1?"}, {"role": "assistant", "content": "one"}, *ASKED]
    difference = only(BLUE, said("The", " sea", asked=shots))
    assert (difference.parting, difference.why_none) == (None, OTHERWISE_ASKED)
    assert difference.words[0] == ("both", "The")


def test_a_class_has_no_tokens():
    assert only(Answer(ASKED, "red 98 %", []), Answer(ASKED, "blue 71 %", [])).why_none == NO_TOKENS


def test_part_of_a_character_is_told_apart_by_nobody():
    """Many tokens are decoded to the same replacement character, so its probability is not that of the one meant."""
    half = said(Piece("", 0.4, [("x", 0.3)]), "é")
    parting = only(half, said(Piece("y", 0.5, [(HALF, 0.3)]))).parting
    assert parting.tokens == (HALF, "y"), "and it is no end"
    assert parting.p == ((Chance(0.4), Chance(0.3, under=True)), (None, Chance(0.5)))
    parting = only(half, said(Piece("", 0.5, [("x", 0.3)]), Piece("è", 0.8, [(HALF, 0.1)]))).parting
    assert (parting.after, parting.tokens, parting.p) == (1, ("é", "è"), ((Chance(0.9), None), (None, Chance(0.8))))


def test_the_json_is_what_the_docstring_says():
    assert json.loads(json.dumps(only(BLUE, GREEN).to_json())) == {
        "panes": ["a", "b"],
        "words": [["both", "The sky"], ["first", " blue"], ["other", " green"], ["both", "."]],
        "whole": True,
        "parting": {
            "after": 2,
            "shared": "The sky",
            "tokens": [" blue", " green"],
            "p": [
                [{"p": 0.6, "under": False}, {"p": 0.2, "under": False}],
                [{"p": 0.04, "under": True}, {"p": 0.7, "under": False}],
            ],
        },
        "why_none": "",
    }
