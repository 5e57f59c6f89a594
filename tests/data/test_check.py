"""What is wrong with rows, told with their numbers."""

import time

import pytest

from studio.data.check import check, usable
from studio.data.example import Example, Examples
from studio.data.findings import Report, finding


def made(*texts: tuple[str, str]) -> Examples:
    return Examples.of(Example(number, *each) for number, each in enumerate(texts, 1))


def rows(report: Report) -> dict[str, list[int]]:
    return {each.kind: each.rows for each in report.findings}


GOOD = tuple((f"What is {n}?", f"It is {n}.") for n in range(30))


def test_nothing_to_say_of_good_rows() -> None:
    report = check(made(*GOOD))
    assert report.findings == []
    assert (report.rows, report.usable, report.left_out, report.errors) == (30, 30, [], [])
    assert (report.prompt_characters.median, report.prompt_characters.longest) == (11, 11)


@pytest.mark.parametrize(
    ("pair", "kind"),
    [
        (("", "b"), "empty-prompt"),
        ((" \n\t\u3000", "b"), "empty-prompt"),
        (("\u200b\ufeff", "b"), "empty-prompt"),
        (("a", "  "), "empty-completion"),
        (GOOD[4], "duplicate"),
        (("x" * 20_001, "b"), "very-long"),
        (("a", "x" * 20_001), "very-long"),
        (("caf\ufffd", "b"), "replacement-character"),
        (("cafÃ©", "b"), "mojibake"),
        (("itâ€™s", "b"), "mojibake"),
        (("ðŸ˜€", "b"), "mojibake"),
        (("日本".encode().decode("cp1252", "ignore"), "b"), "mojibake"),
        (("a\x1b[0m", "b"), "control-characters"),
        (("a", "NaN"), "placeholder"),
    ],
)
def test_one_bad_row_is_named(pair: tuple[str, str], kind: str) -> None:
    report = check(made(*GOOD, pair))
    assert rows(report) == {kind: [31]}
    (found,) = report.findings
    assert (found.count, "Row 31" in found.message) == (1, True)
    assert found.left_out == kind.startswith(("empty", "duplicate"))
    assert report.left_out == ([31] if found.left_out else [])
    assert report.usable == len(usable(made(*GOOD, pair))) == 31 - found.left_out


@pytest.mark.parametrize(
    "text", ["café", "NÃO", "Größe", "naïve – “so”", "日本語", "a\tb\r\nc", "None of these", "Ñandú", "un “café…”"]
)
def test_good_text_is_not_suspected(text: str) -> None:
    assert check(made(*GOOD, (text, text + "."))).findings == []


def test_contradictions_count_case_and_spacing_as_one_prompt() -> None:
    report = check(made(*GOOD, ("Who  are you?", "Ada"), ("who are YOU?", "Grace"), ("Who are you?", "Ada ")))
    assert rows(report) == {"contradiction": [31, 32, 33]}
    assert report.usable == 33


def test_too_few_rows() -> None:
    assert check(made()).errors == check(made(("", "a"))).errors
    assert "Only 1 usable row is left" in check(made(("a", "b"))).errors[0]
    few = check(made(("a", "b"), ("c", "d")))
    assert [(each.kind, each.severity) for each in few.findings] == [("too-few", "warning")]
    assert few.errors == []


def test_what_was_known_before_counts() -> None:
    known = finding("extra-cells", [2], "Row 2: too wide. Left out.", "warning", left_out=True)
    report = check(made(*GOOD).without([2]), [known])
    assert (report.rows, report.usable, report.left_out) == (30, 29, [2])


def test_a_row_left_out_is_not_the_first_of_its_copies() -> None:
    known = finding("leak", [1], "Row 1: leaks.", "warning", left_out=True)
    assert rows(check(made(("a", "b"), ("a", "b"), *GOOD), [known])) == {"leak": [1]}


def test_the_report_goes_through_json() -> None:
    report = check(made(("", "a"), *GOOD))
    assert Report.model_validate_json(report.model_dump_json(exclude={"left_out"})) == report


def test_a_hundred_thousand_rows_in_seconds() -> None:
    many = made(*((f"question {n}", f"answer {n % 7}") for n in range(100_000)))
    begun = time.process_time()
    assert check(many).usable == 100_000
    assert time.process_time() - begun < 5
