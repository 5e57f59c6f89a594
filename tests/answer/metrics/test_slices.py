import numpy as np
import pytest

from studio.answer.metrics.slices import slices
from studio.errors import StudioError
from tests.answer.metrics.rows import request, row

ODD, EVEN = "it is the old one indeed", "it is the new one indeed"


def rows(number=80, **columns):
    """Every fourth row is in group "b", and the tuned model is wrong in all of those; the base is always wrong."""
    return [
        row(
            i,
            f"{ODD if i % 2 else EVEN} {i}",
            "I do not know",
            f"xyz {i}" if i % 4 == 0 else f"{ODD if i % 2 else EVEN} {i}",
            prompt=("she asks " if i % 4 == 0 else "who asks ") + "word " * (i % 10),
            **{name: value(i) for name, value in columns.items()},
        )
        for i in range(number)
    ]


def test_a_group_that_differs_is_flagged_and_has_its_figures():
    first, second = slices(rows(group=lambda i: "b" if i % 4 == 0 else "a"), request(metrics=("exact_match",)), "group")
    assert (first.name, first.n, second.name, second.n) == ("a", 60, "b", 20)
    assert first.figures["tuned"].text == "100 %"
    assert second.figures["tuned"].text == "0 %"
    assert first.differences["tuned"].verdict == "better"
    assert second.differences["tuned"].verdict == "cannot tell"
    assert second.flagged["tuned"].endswith(" points less than in other rows")
    assert set(first.flagged) == {"tuned"}  # the base is as bad everywhere
    assert second.places == list(range(0, 80, 4))


def test_slices_of_nothing_but_chance_are_seldom_flagged():
    """20 slices of the same kind, four times: uncorrected, one of them or two would be flagged each time."""
    chance, flags = np.random.default_rng(4), 0
    for _ in range(4):
        found = [
            row(i, "yes it is so", "no", "yes it is so" if chance.random() < 0.6 else "no", group=str(i % 20))
            for i in range(400)
        ]
        flags += sum(bool(each.flagged) for each in slices(found, request(metrics=("exact_match",)), "group"))
    assert flags <= 1


def test_rows_without_the_column_are_not_sliced_and_empty_values_have_a_name():
    assert slices(rows(), request(), "group") == []
    assert slices(rows(), request(), "source") == []
    assert slices([], request(), "length") == []
    named = slices(rows(source=lambda i: "shop" if i % 2 else ""), request(), "source")
    assert {each.name for each in named} == {"shop", "(none)"}


def test_labels_are_the_references_where_there_is_no_column():
    found = [row(i, ["roof", "clock", "shoe"][i % 3], "roof", "clock") for i in range(30)]
    parts = {each.name: each for each in slices(found, request(), "label")}
    assert set(parts) == {"roof", "clock", "shoe"}
    assert parts["roof"].metric == "label_accuracy"
    assert parts["roof"].figures["base"].text == "10 of 10"
    assert slices(rows(), request(), "label") == []  # prose is no label


def test_length_parts_the_rows_into_quarters_in_order():
    found = slices(rows(), request(metrics=("exact_match",)), "length")
    assert [each.name for each in found] == [
        "prompts of 2 to 4 words",
        "prompts of 5 to 6 words",
        "prompts of 7 to 9 words",
        "prompts of 10 to 11 words",
    ]
    assert sorted(place for each in found for place in each.places) == list(range(80))


def test_terms_find_prompts_that_name_a_group():
    found = slices(rows(), request(metrics=("exact_match",)), "terms")
    assert [(each.name, each.n) for each in found] == [("gender: women", 20)]
    own = slices(rows(), request(metrics=("exact_match",)), "terms", "askers:\n  anyone: [who]\n")
    assert [(each.name, each.n) for each in own] == [("askers: anyone", 60)]
    with pytest.raises(StudioError, match="no set of groups"):
        slices(rows(), request(), "terms", "")


def test_means_that_are_no_shares_are_flagged_too():
    found = slices(rows(group=lambda i: "b" if i % 4 == 0 else "a"), request(metrics=("length",)), "group")
    assert found[1].flagged["tuned"].endswith(" words fewer than in other rows")
    few = slices(rows(16, group=lambda i: "b" if i % 4 == 0 else "a"), request(metrics=("length",)), "group")
    assert few[1].n == 4
    assert not few[1].flagged


def test_one_slice_of_all_rows_says_nothing_and_is_none():
    assert slices(rows(group=lambda i: "all"), request(), "group") == []
