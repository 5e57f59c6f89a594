import pytest

from studio.answer.metrics.match import exact_match, normalised_match, token_f1


def test_exact_match_forgives_only_spaces_around():
    assert exact_match(" Yes.\n", "Yes.") == 1
    assert exact_match("yes.", "Yes.") == 0


def test_normalised_match_follows_squad():
    assert normalised_match("The  Eiffel Tower!", "eiffel tower") == 1
    assert normalised_match("Eiffel Towers", "eiffel tower") == 0


def test_token_f1_by_hand():
    assert token_f1("blue red red", "red green") == pytest.approx(2 * 1 / 5)
    assert token_f1("the", "a") == 1  # both empty after normalisation, as in SQuAD
    assert token_f1("", "red") == 0
