import pytest

from studio.answer.metrics.last_number import ends_in_number, number_match


@pytest.mark.parametrize(
    ("answer", "reference", "same"),
    [
        ("So she has 18 apples.", "Janet sells 16 - 3 - 4 = 9 eggs.\n#### 18", 1),  # GSM8K's own form
        ("9 * 2 = 18\n#### 18", "#### 18", 1),
        ("It is 17, not 18", "18", 1),  # the last number counts
        ("It is 18, not 17", "18", 0),
        ("#### 18 (not 17)", "18", 1),  # what follows the mark counts first
        ("1,234,567", "1234567", 1),
        ("1234567.0", "1,234,567", 1),
        ("$1,000.50", "1000.5", 1),
        ("−5", "-5", 1),
        ("-5", "5", 0),
        ("7-5", "5", 1),  # a dash between numbers is no sign
        ("0.1", "0.10000001", 0),  # tolerance 0
        ("abc12", "12", 0),  # part of a name
        ("none", "12", 0),
        ("", "12", 0),
        ("12", "twelve", None),
    ],
)
def test_the_last_number_decides(answer, reference, same):
    assert number_match(answer, reference) == same


@pytest.mark.parametrize(
    ("text", "ends"),
    [("#### 5", True), ("So 42.", True), ("It costs 42 apples.", True), ("In 1999 it was all quite different", False)],
)
def test_what_ends_in_a_number(text, ends):
    assert ends_in_number(text) is ends
