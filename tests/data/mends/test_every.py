"""Mends: the same rows anywhere, undone by leaving them out, and in the recipe as they were."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from studio.data.checks.check import check
from studio.data.checks.scan import scan
from studio.data.example import Example, Examples
from studio.data.findings import finding
from studio.data.mends.every import MENDS, MOST_NUMBERED, MendKind, apply_mends, mend_for
from studio.data.mends.labels import MergeLabels, UnifyLabels
from studio.data.mends.rows import Drop, DropFound, DropNearDuplicates, Edit
from studio.data.mends.texts import (
    FixMojibake,
    MaskPersonal,
    RemoveBoilerplate,
    RemoveControls,
    Replace,
    StripMarkup,
    TrimSpaces,
)
from studio.data.part import DataPart
from studio.recipe.read import read_recipe
from studio.recipe.recipe import Recipe

SNIPPETS = (
    " padded\n", "cafÃ© itâ€™s", "<p>a &amp; b</p>", "mail me@work.org", "a\u200bb", "Sure! Here it is.", "spam",
    "Spam ",     "日本語", "👨‍👩‍👧", "می‌خواهم", "\x1b[31mred", "a < b", "&lt;b&gt;", "+49 30 901820", "\u3000", "",
)  # fmt: skip
TEXT = st.lists(st.one_of(st.sampled_from(SNIPPETS), st.text(max_size=12)), min_size=1, max_size=4).map("".join)


def spoken(texts: Sequence[str]) -> str:
    roles = ("user", "assistant")
    return json.dumps([{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)], ensure_ascii=False)


@st.composite
def sets(draw: st.DrawFn) -> Examples:
    number = draw(st.integers(0, 12))
    rows = draw(st.lists(st.integers(1, 10**9), min_size=number, max_size=number, unique=True))
    every = []
    for row in rows:
        prompt, completion = draw(TEXT), draw(TEXT)
        messages = spoken([draw(TEXT), draw(TEXT), prompt, completion]) if draw(st.booleans()) else ""
        label = draw(st.sampled_from(["", "spam", "Spam ", "ham"]))
        every.append(Example(row, prompt, completion, messages, rejected=draw(TEXT), label=label))
    return Examples.of(every)


ONE_OF_EACH: tuple[MendKind, ...] = (
    Drop(rows=(3, 7)), DropFound(found="placeholder"), DropNearDuplicates(threshold=0.9),
    Edit(row=2, field="messages.1", text="Yes: 'no' #1\n\u2028\x85 \ufeff"), TrimSpaces(), FixMojibake(), StripMarkup(),
    MaskPersonal(), RemoveControls(), RemoveBoilerplate(text="Sure! Here it is."), Replace(find="a", replacement="b"),
    MergeLabels(merged="Spam ", into="spam"), UnifyLabels(),
)  # fmt: skip
TWICE_AS_ONCE = [each for each in ONE_OF_EACH if not isinstance(each, StripMarkup | FixMojibake)]


def fields(examples: Examples) -> list[dict[str, object]]:
    return [example.to_json() for example in examples]


def test_every_mend_is_tried_here() -> None:
    assert {type(each) for each in ONE_OF_EACH} == set(MENDS)
    assert all(each.title and each.done and each.__doc__ for each in MENDS)
    assert len({each.model_fields["kind"].default for each in MENDS}) == len(MENDS)


@settings(max_examples=40, deadline=None)
@given(sets(), st.lists(st.sampled_from(ONE_OF_EACH), max_size=4))
def test_what_is_given_stays_and_an_undone_mend_leaves_no_trace(examples: Examples, mends: list[MendKind]) -> None:
    before, before_last = fields(examples), fields(apply_mends(examples, mends[:-1]))
    mended = apply_mends(examples, mends)
    assert fields(examples) == before
    assert fields(apply_mends(examples, mends[:-1])) == before_last
    assert set(mended.rows.tolist()) <= set(examples.rows.tolist())
    assert mended.rows.tolist() == [row for row in examples.rows.tolist() if row in set(mended.rows.tolist())]
    assert fields(apply_mends(examples, mends)) == fields(mended)
    for example in mended:
        assert not example.messages or json.loads(example.messages)


@pytest.mark.parametrize("mend", TWICE_AS_ONCE, ids=lambda mend: mend.kind)
@settings(max_examples=30, deadline=None)
@given(examples=sets())
def test_twice_is_once(mend: MendKind, examples: Examples) -> None:
    once = mend.apply(examples)
    assert fields(mend.apply(once)) == fields(once)


def test_the_recipe_holds_every_mend() -> None:
    recipe = Recipe(data=DataPart(path="x.csv", mends=ONE_OF_EACH))
    assert read_recipe(recipe.to_yaml()) == recipe
    with pytest.raises(ValidationError, match="bogus"):
        DataPart.model_validate({"mends": [{"kind": "bogus"}]})


def one(text: str, mend: MendKind, **more: str) -> str:
    (example,) = mend.apply(Examples.of([Example(1, "What?", text, **more)]))
    return example.completion


@pytest.mark.parametrize(
    ("mend", "before", "after"),
    [
        (TrimSpaces(), "\u3000\n a b \x1f", "a b"),
        (FixMojibake(), "cafÃ© itâ€™s ðŸ˜€", "café it’s 😀"),
        (FixMojibake(), "“ﬁn” &amp; Ａ ½ café", "“ﬁn” &amp; Ａ ½ café"),
        (StripMarkup(), "<p>One<br>two &amp; <b>three</b></p>", "One\ntwo & three"),
        (StripMarkup(), "a < b and c > d, List<String> f<a>(x) <think>hm</think>", None),
        (StripMarkup(), "as `<b>`\n```html\n<p>x</p>\n``` in <i>text</i>", "as `<b>`\n```html\n<p>x</p>\n``` in text"),
        (StripMarkup(), "<script>alert(1)</script>kept<!-- not -->", "kept"),
        (StripMarkup(), '<a href="https://x.org">a link</a>', "a link"),
        (MaskPersonal(), "Write to a.b+c@x.co.uk or call 020 7946 0958.", "Write to [email] or call [phone]."),
        (MaskPersonal(), "Ring (415) 555-2671 or +49 30 901820", "Ring [phone] or [phone]"),
        (MaskPersonal(), "card 4111 1111 1111 1111, IBAN DE89 3704 0044 0532 0130 00", "card [card], IBAN [iban]"),
        (MaskPersonal(), "card 4111 1111 1111 1112, 3.14159265358979, 2024-01-15 10:20:30, 1234567890", None),
        (MaskPersonal(), "1990-1995, 192.168.100.100, order 12345678901, a@example.com, 4111111111111111 * 2", None),
        (RemoveControls(), "\x1b[31mred\x1b[0m\x00 a\u200bb\ufeff\ttab\r\n", "red ab\ttab\r\n"),
        (RemoveControls(), "👨‍👩‍👧 می‌خواهم क्‍ष ❤️‍🔥 🏳️‍🌈 שלום\u200f!", None),
        (RemoveControls(), "\u200da\u200db x\u200e hid\U000e0041\U000e0042", "ab x hid"),
        (RemoveBoilerplate(text="Sure!"), "Sure! It is blue. Sure!", "It is blue."),
        (RemoveBoilerplate(text="Sure! (a|b)"), "Sure! (a|b) It is.", "It is."),
        (RemoveBoilerplate(text="Sure!"), " Sure! ", None),
        (Replace(find="{{name}}", replacement="Ada"), "I am {{name}}.", "I am Ada."),
    ],
)  # fmt: skip
def test_what_each_does_to_a_text(mend: MendKind, before: str, after: str | None) -> None:
    expected = before if after is None else after
    assert one(before, mend) == expected
    turns = mend.apply(Examples.of([Example(1, "What?", before, spoken(["What?", before]))]))
    assert turns[0].conversation[1]["content"] == expected


def test_mends_of_answers_leave_prompts_alone() -> None:
    (example,) = RemoveBoilerplate(text="Sure!").apply(
        Examples.of([Example(1, "Sure! Why?", "Sure! So.", spoken(["Sure! Why?", "Sure! So."]))])
    )
    assert (example.prompt, example.completion) == ("Sure! Why?", "So.")
    assert [turn["content"] for turn in example.conversation] == ["Sure! Why?", "So."]


def test_an_edit_changes_one_cell() -> None:
    talk = spoken(["a", "b"])
    examples = Examples.of([Example(4, "a", "b", talk), Example(9, "c", "d")])
    assert [each.completion for each in Edit(row=9, field="completion", text="e").apply(examples)] == ["b", "e"]
    edited = Edit(row=4, field="messages.1", text="x").apply(examples)
    assert [turn["content"] for turn in edited[0].conversation] == ["a", "x"]
    assert (edited[0].prompt, edited[0].completion) == ("a", "x")
    assert Edit(row=4, field="messages.0", text="y").apply(examples)[0].prompt == "y"
    assert edited[1] == examples[1]
    assert Edit(row=9, field="messages.1", text="x").apply(examples) == examples
    assert Edit(row=5, field="prompt", text="x").apply(examples) == examples


def test_classes_are_merged_and_spelled_one_way() -> None:
    texts = ["spam"] * 6 + ["Spam "] * 2 + ["ham"] * 4
    as_answers = Examples.of(Example(n, f"text {n}", text) for n, text in enumerate(texts))
    as_labels = Examples.of(Example(n, f"text {n}", text, label=text) for n, text in enumerate(texts))
    for examples in (as_answers, as_labels):
        unified = UnifyLabels().apply(examples)
        assert [each.completion for each in unified] == ["spam"] * 8 + ["ham"] * 4
        merged = MergeLabels(merged="ham", into="spam").apply(unified)
        assert {each.completion for each in merged} == {"spam"}
    assert {each.label for each in UnifyLabels().apply(as_labels)} == {"spam", "ham"}
    prose = Examples.of(Example(n, f"q {n}", f"spam {n}") for n in range(30))
    assert UnifyLabels().apply(prose) == prose


def test_near_duplicates_keep_the_first() -> None:
    long = " ".join(f"word{chr(97 + n)}" for n in range(26))
    examples = Examples.of([Example(5, long, "ok"), Example(6, "other", "ok"), Example(7, long + " end", "ok")])
    assert DropNearDuplicates().apply(examples).rows.tolist() == [5, 6]


def test_every_finding_that_names_a_mend_is_cured_by_it() -> None:
    good = [
        (f"What is number {n}, and why is it so?", f"It is the number {n}, since so it was made.") for n in range(60)
    ]
    bad = [
        ("a?", "nan"), ("", "x"), good[0], (good[1][0], "Nobody knows."), ("b?", "x\x00y"), ("c?", "hid\u200bden"),
        ("d?", "cafÃ© au lait, it is"), ("e?", "<b>bold</b> it is"), ("f?", "Write to ann@mail.org."),
        ("g?", "As an AI language model, I know."), ("h?", "I'm sorry, but I can't help."), ("i?", "z" * 30_000),
    ]  # fmt: skip
    examples = Examples.of(Example(n, *pair) for n, pair in enumerate([*good, *bad], 1))
    found = [*check(examples).findings, *scan(examples)]
    assert {each.kind for each in found} >= {
        "placeholder", "empty-prompt", "duplicate", "contradiction", "control-characters", "invisible-characters",
        "mojibake", "markup", "personal-data", "ai-phrase", "refusal", "very-long",
    }  # fmt: skip
    for each in found:
        assert each.why, each.kind
        mend = mend_for(each)
        assert (mend is None) == (not each.mend), each.kind
        if mend is not None:
            mended = mend.apply(examples)
            left = [*check(mended).findings, *scan(mended)]
            still = {row for other in left if other.kind == each.kind for row in other.rows}
            assert not set(each.rows) & still, each.kind


def test_many_rows_are_named_by_what_was_found() -> None:
    examples = Examples.of(Example(n, f"question {n}", "nan" if n % 2 else "yes") for n in range(1, 1_000))
    (found,) = [each for each in check(examples).findings if each.kind == "placeholder"]
    assert len(found.rows) > MOST_NUMBERED
    assert mend_for(found) == DropFound(found="placeholder")
    assert DropFound(found="placeholder").apply(examples).rows.tolist() == list(range(2, 1_000, 2))
    assert DropFound(found="never heard of").apply(examples) == examples
    assert mend_for(finding("leak", [1, 2], "m", "warning", mend="drop")) == Drop(rows=(1, 2))
    assert mend_for(finding("too-few", [], "m", "error")) is None
