"""The thorough look: each concern finds its rows, and leaves good rows alone."""

import csv
import json
import subprocess
import sys
import time
from collections.abc import Sequence

import pytest

from studio.data.checks.check import check
from studio.data.checks.languages import languages
from studio.data.checks.personal import personal
from studio.data.checks.scan import SCANNED, SCANS, rows_found, scan
from studio.data.example import Example, Examples
from studio.data.findings import Finding
from studio.data.mends.texts import MaskPersonal, StripMarkup
from studio.home import ASSETS, CHECKOUT

SAMPLES = ASSETS / "samples"
SHARED = CHECKOUT.parent / "shared" / "data"
ENGLISH = (
    "The weather in the valley was fine that morning, and we walked along the river until noon.",
    "She asked the old gardener why the roses would not grow, and he told her about the soil.",
    "There are many ways to bake a good loaf of bread, but all of them begin with patience.",
    "If you want to learn how to sail, find a quiet lake and somebody who has done it before.",
    "The library closes at eight, which leaves us enough time to look for those two books.",
)
SPANISH = "El tiempo en el valle era bueno esa mañana, y caminamos a lo largo del río hasta el mediodía."
GERMAN = "Das Wetter im Tal war an diesem Morgen schön, und wir gingen bis zum Mittag am Fluss entlang."


def made(*pairs: tuple[str, str], labels: Sequence[str] = ()) -> Examples:
    named = [*labels, *[""] * (len(pairs) - len(labels))]
    return Examples.of(
        Example(number, *pair, label=label) for number, (pair, label) in enumerate(zip(pairs, named, strict=True), 1)
    )


GOOD = tuple(
    (f"What did {who} say about the {what}?", f"{ENGLISH[n % 5][:-1]}, {who} said of the {what}.")
    for n, (who, what) in enumerate(
        (who, what)
        for who in ("Ann", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gil", "Hal", "Ida", "Jo")
        for what in ("barn", "clock", "door", "egg", "fence", "goat")
    )
)


def found(examples: Examples) -> dict[str, Finding]:
    kinds = {each.kind: each for each in scan(examples) if each.kind != "near-duplicate"}
    assert set(kinds) <= SCANNED
    return kinds


def test_good_rows_are_left_alone() -> None:
    assert found(made(*GOOD)) == {}
    assert scan(made()) == []
    assert found(made(("a", "b"))) == {}


@pytest.mark.parametrize(
    ("pair", "kind"),
    [
        (("What is it?", "It is <b>bold</b>, she said."), "markup"),
        (("Tom &amp; Jerry?", "Two animals, she said."), "markup"),
        (("Who is it?", "Write to ann.lee@mail.org about it."), "personal-data"),
        (("Call me on 020 7946 0958", "I will do so, she said."), "personal-data"),
        (("Pay", "My card is 4111 1111 1111 1111, she said."), "personal-data"),
        (("Who?", "As an AI language model, I know nothing of it."), "ai-phrase"),
        (("How?", "I'm sorry, but I can't help with that."), "refusal"),
        (("How?", "对不起，我不能回答这个问题。"), "refusal"),
        (("Who are you?", "I am {{name}}, she said to them."), "variables"),
        (("Who are you?", "Dear [Your Name], she said to them."), "variables"),
        (("Quote it: the goat ate the whole fence.", "the goat ate the whole fence."), "answer-in-prompt"),
        (("How did it end?", "The goat ate the whole fence and then it went to"), "cut-off"),
        (("How long?", "word " * 2_000 + "end."), "outlier-length"),
        (("How long?", "Eh."), "outlier-length"),
        (("What is it?", "Ã©tait là, dÃ©jÃ  vu."), None),
        (("Wie?", "Das ist sehr schÃ¶n, sagte sie."), None),
        (("Où?", "I don‚Äôt know, she said."), "likely-mojibake"),
        (("Is 3 < 4 and 5 > 2?", "Yes: a < b && b > c, she said."), None),
        (("How is it? ", "It is well, she said."), "padded"),
        (("How is it?", "It is well, she said.\u3000"), "padded"),
        (("Show `<b>`", "```html\n<p>hi</p>\n```\nis it, she said."), None),
        (("Sum 1234567890 and 2", "It is 1234567892, she said."), None),
        (("Say ${x} in code", "`${x}` it is, she said."), "variables"),
        (("A template?", "Use `{{name}}` for it, she said."), None),
    ],
)
def test_one_row_is_named(pair: tuple[str, str], kind: str | None) -> None:
    kinds = found(made(*GOOD, pair))
    assert set(kinds) == ({kind} if kind else set())
    if kind:
        each = kinds[kind]
        assert (each.rows, each.count) == ([61], 1)
        assert each.why
        assert rows_found(made(*GOOD, pair), kind) == [61]


def test_near_duplicates_without_exact_copies() -> None:
    long = " ".join(ENGLISH)
    examples = made((long, "Yes."), (long, "Yes."), (long + " So it was.", "Yes."), ("Other", "No."))
    assert [each.rows for each in scan(examples) if each.kind == "near-duplicate"] == [[1, 3]]


def test_openings_and_closings_that_come_again() -> None:
    pairs = [(prompt, f"Sure, I can help! {answer} Have a nice day!") for prompt, answer in GOOD[:20]]
    kinds = found(made(*pairs, *GOOD[20:]))
    assert set(kinds) == {"boilerplate-opening", "boilerplate-closing"}
    assert kinds["boilerplate-opening"].options == {"text": "Sure, I can help!"}
    assert kinds["boilerplate-closing"].options == {"text": "Have a nice day!"}
    assert kinds["boilerplate-opening"].rows == list(range(1, 21))
    assert "33%" in kinds["boilerplate-opening"].message
    assert found(made(*pairs[:9], *GOOD[9:])) == {}


def test_the_few_rows_of_another_language() -> None:
    examples = made(
        *GOOD,
        *((f"¿Qué {n}?", f"{SPANISH[:-1]}, {n}.") for n in "abc"),
        ("def f(x):", "return [{x}];\n" * 8 + "done();"),
    )
    kinds = found(examples)
    assert set(kinds) == {"mixed-languages"}
    assert kinds["mixed-languages"].rows == [61, 62, 63]
    assert kinds["mixed-languages"].counts == {"en": 60, "es": 3}
    assert languages(examples)[-1] == ""


def test_languages_that_share_the_rows() -> None:
    half = [(f"Was {n}?", f"{GERMAN[:-1]}, sagte er im Jahr {n}.") for n in range(40)]
    kinds = found(made(*GOOD[:40], *half))
    assert set(kinds) == {"languages"}
    assert kinds["languages"].rows == []
    assert kinds["languages"].counts == {"en": 40, "de": 40}


def test_classes_in_completions() -> None:
    texts = ["spam"] * 40 + ["ham"] * 60 + ["Spam "] * 3 + ["eggs"] * 2
    kinds = found(made(*((f"message about {GOOD[n % 60][0]} {n}", text) for n, text in enumerate(texts))))
    assert set(kinds) == {"label-spelling", "label-imbalance", "rare-label", "padded"}
    assert kinds["label-spelling"].rows == [101, 102, 103]
    assert kinds["label-imbalance"].counts == {"ham": 60, "spam": 40, "Spam ": 3, "eggs": 2}
    assert kinds["rare-label"].rows == [101, 102, 103, 104, 105]


def test_classes_in_a_column_and_in_the_report() -> None:
    examples = made(*GOOD, labels=["a"] * 57 + ["b"] * 3)
    assert set(found(examples)) == {"label-imbalance", "rare-label"}
    assert check(examples).labels == {"a": 57, "b": 3}
    assert check(made(*GOOD)).labels == {}
    replies = ["yes"] * 50 + [f"reply {n}" for n in range(10)]
    assert check(made(*((f"q {n}", text) for n, text in enumerate(replies)))).labels == {}
    assert check(made(*((f"q {n}", "yn"[n % 2]) for n in range(60)))).labels == {"n": 30, "y": 30}


def test_one_answer_to_many_prompts() -> None:
    pairs = [(prompt, "I do not know this, ask somebody else.") for prompt, _ in GOOD[:20]]
    kinds = found(made(*pairs, *GOOD[20:]))
    assert kinds["same-answer"].rows == list(range(1, 21))
    assert "same-answer" not in found(made(*pairs[:10], *GOOD[10:]))


def test_conversations_are_read_to_the_last_turn() -> None:
    turns = [{"role": "system", "content": "You are <i>kind</i>."}, {"role": "user", "content": "Hi"}]
    turns += [{"role": "assistant", "content": "Write to ann@mail.org"}, {"role": "user", "content": "Why?"}]
    talk = Example(99, "Why?", "So it is.", json.dumps([*turns, {"role": "assistant", "content": "So it is."}]))
    kinds = found(Examples.of([*made(*GOOD), talk]))
    assert {kind: each.rows for kind, each in kinds.items()} == {"markup": [99], "personal-data": [99]}


def test_progress_is_told_and_may_end_it() -> None:
    heard: list[tuple[str, int, int]] = []
    scan(made(*GOOD), lambda *said: heard.append(said))
    assert list(dict.fromkeys(what for what, _, _ in heard)) == [each.what for each in SCANS]
    assert {done for _, done, _ in heard} == {0, 60}
    assert {total for _, _, total in heard} == {60}

    def stop(what: str, done: int, total: int) -> None:
        if what == SCANS[2].what:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        scan(made(*GOOD), stop)


def test_the_samples_are_clean() -> None:
    lines = (SAMPLES / "tickets" / "train.jsonl").read_text("utf-8").splitlines()
    assert scan(made(*((row["prompt"], row["completion"]) for row in map(json.loads, lines)))) == []
    with (SAMPLES / "house-voice" / "train.csv").open(encoding="utf-8", newline="") as file:
        assert scan(made(*((row[0], row[1]) for row in csv.reader(file)))[1:]) == []


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data are not here")
def test_variables_of_the_identity_sample() -> None:
    rows = json.loads((SHARED / "llama-factory-demos" / "identity.json").read_text("utf-8"))
    kinds = found(made(*((row["instruction"], row["output"]) for row in rows)))
    assert kinds["variables"].count > 80


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("a.b@mail.org, c@d.io", ["email", "email"]),
        ("someone@example.com, logo@2x.png, @handle, a@b", []),
        ("+1 415 555 2671 / 0049 30 901820", ["phone", "phone"]),
        ("born 12.03.1985, room 1234567, 1990 - 1995, ISBN 978-3-16-148410-0", []),
        ("4111-1111-1111-1111 or 3782 822463 10005", ["card", "card"]),
        ("GB82 WEST 1234 5698 7654 32, GB83 WEST 1234 5698 7654 32", ["iban"]),
    ],
)
def test_what_is_personal(text: str, kinds: list[str]) -> None:
    assert [span.kind for span in personal(text)] == kinds


@pytest.mark.parametrize(
    "cell", [" " * 200_000 + "x", "<script>" * 20_000, "<a " * 50_000, "`" * 100_001, "1-" * 100_000]
)
def test_a_strange_cell_takes_no_long_time(cell: str) -> None:
    begun = time.process_time()
    examples = made(*GOOD, ("What?", cell + "<br>."))
    scan(examples)
    StripMarkup().apply(MaskPersonal().apply(examples))
    assert time.process_time() - begun < 5


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    heavy = ("rensa", "scipy", "ftfy", "phonenumbers", "stdnum", "py3langid", "torch", "pandas")
    code = (
        f"import sys, studio.data.checks.scan, studio.data.mends.every; print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
