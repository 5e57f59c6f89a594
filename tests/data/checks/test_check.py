"""What is wrong with rows, told with their numbers."""

import json
import time

import pytest

from studio.data.checks.check import check, usable
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
        (("a", " <NA>\n"), "placeholder"),
        (("a", "b\x7f"), "control-characters"),
        (("a", "é\x85"), "control-characters"),
        (("a", "two\u200bwords"), "invisible-characters"),
        (("a", "hidden\U000e0041"), "invisible-characters"),
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
    "text",
    [
        "café",
        "NÃO",
        "Größe",
        "naïve – “so”",
        "日本語",
        "a\tb\r\nc",
        "None of these",
        "Ñandú",
        "un “café…”",
        "👨\u200d👩\u200d👧",
        "می\u200cخواهم",
    ],
)
def test_good_text_is_not_suspected(text: str) -> None:
    assert check(made(*GOOD, (text, text + "."))).findings == []


def test_contradictions_count_case_and_spacing_as_one_prompt() -> None:
    report = check(made(*GOOD, ("Who  are you?", "Ada"), ("who are YOU?", "Grace"), ("Who are you?", "Ada ")))
    assert rows(report) == {"contradiction": [31, 32, 33]}
    assert report.usable == 33


@pytest.mark.parametrize(
    ("one", "other"),
    [("Straße ist?", "STRASSE ist?"), ("Who\tare\nyou", "who are you"), (" Who?", "who? "), ("ÀÉ?", "àé?")],
)
def test_a_prompt_is_the_same_beyond_ascii_too(one: str, other: str) -> None:
    assert rows(check(made(*GOOD, (one, "Ada"), (other, "Grace")))) == {"contradiction": [31, 32]}


def test_copies_are_exact() -> None:
    assert rows(check(made(*GOOD, ("Who?", "A b"), ("who?", "A b"), ("Who?", "A b ")))) == {}
    long = "x" * 400 + "a" + "x" * 400
    assert rows(check(made(*GOOD, ("p", long), ("q", long.replace("a", "b")), ("q", long)))) == {
        "contradiction": [32, 33]
    }


def talk(row: int, *contents: str, **more: str) -> Example:
    turns = [{"role": ("user", "assistant")[n % 2], "content": each} for n, each in enumerate(contents)]
    return Example(row, contents[-2], contents[-1], json.dumps(turns), **more)


def test_conversations_differ_by_all_that_is_said() -> None:
    every = Examples.of(
        [*made(*GOOD), talk(41, "Hi", "Yes?", "Go on.", "So."), talk(42, "Hello", "Yes?", "Go on.", "Well."),
         talk(43, "Hi", "Yes?", "Go on.", "So."), talk(44, "HI", "Yes?", "Go on.", "No."),
         talk(45, "a", "an \x1b[0m escape", "b", "c")]
    )  # fmt: skip
    assert rows(check(every)) == {"duplicate": [43], "contradiction": [41, 44], "control-characters": [45]}


def test_an_answer_that_calls_a_tool_may_be_empty() -> None:
    called = json.dumps([{"role": "user", "content": "?"}, {"role": "assistant", "tool_calls": [{"id": "1"}]}])
    said = json.dumps([{"role": "user", "content": "?"}, {"role": "assistant", "content": ""}])
    every = Examples.of([*made(*GOOD), Example(41, "?", "", called), Example(42, "!", "", said)])
    assert rows(check(every)) == {"empty-completion": [42]}


def test_plain_text_needs_no_prompt_and_contradicts_nothing() -> None:
    texts = [f"text number {n}" for n in range(30)] + ["Text Number 3", "text number 4", "  "]
    every = Examples.of((Example(n, "", text) for n, text in enumerate(texts)), "language modeling")
    assert rows(check(every)) == {"empty-completion": [32], "duplicate": [31]}


def test_preferences() -> None:
    pairs = [(f"Q {n}", f"good {n}", f"bad {n}") for n in range(30)]
    pairs += [("Q 1", "bad 1", "good 1"), ("Q 2", "other", "bad 2"), ("Q 3", "same", "same"), ("Q 4", "good", " ")]
    every = Examples.of((Example(n, p, c, rejected=r) for n, (p, c, r) in enumerate(pairs)), "preference")
    assert rows(check(every)) == {"swapped": [1, 30], "same-answers": [32], "empty-rejected": [33]}


def test_figures_for_plots() -> None:
    report = check(made(*((f"question {n}", "x" * n) for n in range(1, 301))))
    assert sum(report.completion_histogram.counts) == 300
    assert len(report.completion_histogram.edges) == len(report.completion_histogram.counts) + 1 <= 31
    assert report.completion_histogram.edges[:3] == [0, 10, 20]
    assert report.completion_histogram.counts[:3] == [9, 10, 10]
    assert check(made()).prompt_histogram.counts == []


def test_every_finding_says_why() -> None:
    found = check(made(*GOOD, ("", "b"), GOOD[1], (GOOD[2][0], "no"), ("a", "nan"), ("a\x00", "b\ufffd"))).findings
    assert len(found) == 6
    assert all(each.why.endswith(".") and each.mend for each in found)


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


def test_two_hundred_thousand_rows_in_a_second() -> None:
    many = made(
        *((f"question {n} " + "of a usual length " * 4, f"answer {n % 7}, and why " * 6) for n in range(200_000))
    )
    check(many[:1_000])
    begun = time.process_time()
    assert check(many).usable == 200_000
    assert time.process_time() - begun < 1.5  # 0.3 on an idle machine; row by row it is 2 and more
