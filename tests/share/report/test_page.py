import json
import re
from html.parser import HTMLParser

import pytest

from studio.answer.evaluation.added_rules import add_rules
from studio.answer.evaluation.answered import AnsweredRow, Read
from studio.answer.evaluation.request import Rule
from studio.answer.settings import Settings
from studio.answer.voice import BASE, Voice
from studio.answer.votes.kept import add_vote
from studio.answer.votes.vote import Vote, by_name
from studio.errors import StudioError
from studio.run.events import EventWriter, Look, Metrics
from studio.run.history.notes import change_notes
from studio.run.looks.film import Asked, write_asked
from studio.share.report.page import report, write_report
from studio.share.report.parts import MOST_TEXT
from tests.prepared_runs import prepare_run
from tests.share.evaluated import evaluated

HOSTILE = "</style><script>alert(1)</script><img src=x onerror=alert(1)>\"'{{ 7 * 7 }}"
PARTS = ("recipe", "data", "training", "forgetting", "scores", "samples", "rows", "votes", "drift", "again")


class Reader(HTMLParser):
    """The tags of a page, their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data


def rows(number=30, text=""):
    return [
        AnsweredRow(
            row=row, prompt=f"Colour {row}? {text}", reference="red" if row % 2 else "blue",
            answers={"base": "red", "tuned": f"{'red' if row % 2 and row > 3 else 'blue'}{text if row == 9 else ''}"},
            read={"base": Read(nats=9.0, tokens=3), "tuned": Read(nats=1.0 + row / 9, tokens=3)},
        )
        for row in range(1, number)
    ]  # fmt: skip


@pytest.fixture
def bare(home):
    return prepare_run(home, "2026-11-22-amber-fox", {"training.epochs": 5, "data.path": "/secret/place/colours.csv"})


@pytest.fixture
def full(bare):
    """A run of which everything is known, and everything is hostile."""
    change_notes(bare, {"name": HOSTILE[:80], "note": HOSTILE, "tags": [HOSTILE[:30]]})
    source = json.loads((bare.path / "data" / "source.json").read_text())
    source |= {
        "name": HOSTILE,
        "columns": [HOSTILE],
        "notes": [HOSTILE],
        "mends": [{"kind": "replace", "find": HOSTILE}],
    }
    (bare.path / "data" / "source.json").write_text(json.dumps(source))
    write_asked(bare.path, (Asked(id="p1", prompt=HOSTILE, reference=HOSTILE, kind="held-out"),))
    with EventWriter(bare.events_path) as events:
        for step, right in ((0, "1" * 20), (6, "0" * 20)):
            events.write(Look(step=step, texts={"p1": f"{HOSTILE} {step}"}, right={"fact": right}))
            events.write(Metrics(step=step, values={"probe_right": float(right[0])}))
    evaluated(bare, rows(text=HOSTILE))
    drifted = [row.model_copy(update={"source": "new" if row.row % 2 else "known"}) for row in rows(60, HOSTILE)]
    evaluated(bare, drifted, "drift", HOSTILE)
    voices = by_name(Voice.of_run(str(bare.path), BASE)), by_name(Voice.of_run(str(bare.path)))
    asked = [{"role": "user", "content": HOSTILE}]
    add_vote(bare, Vote(prompt=asked, answers=("a", "b"), voices=voices, choice="second", settings=Settings()))
    return bare


def test_every_part_that_is_absent_says_what_to_do(bare):
    page = Reader(report(bare))
    assert [each["id"] for tag, each in page.tags if tag == "section"] == list(PARTS)
    for words in (
        f"studio score {bare.name}",
        f"studio drift {bare.name} FILE",
        "Vote in the Compare tab",
        "Look while",
    ):
        assert words in page.text
    assert "Epochs" in page.text
    assert "python -m studio train" in page.text


def test_what_was_changed_is_said_in_words(home):
    mix = [{"path": "/secret/place/general.jsonl", "weight": 0.25, "held_out": False}]
    page = report(prepare_run(home, "2026-11-22-amber-owl", {"data.mix": mix, "method.name": "dora"}))
    assert "path general.jsonl, weight 0.25, held_out False" in Reader(page).text
    assert "/secret/place" not in page


def test_all_of_it_is_said(full):
    text = " ".join(Reader(report(full)).text.split())
    for words in (
        "begun to forget",
        "Exact match",
        "tuned wins 1 to 0",
        "Vocabulary",
        "Newly broken",
        "Energywas not measured",
    ):
        assert words in text
    assert "3 of 29 rows, the largest falls first" in text  # rows 1, 3 and 9: the base was right


def test_nothing_hostile_becomes_markup(full):
    page = report(full)
    reader = Reader(page)
    tags = {tag for tag, _ in reader.tags}
    assert not tags & {"script", "img", "iframe", "object", "link", "form", "input"}
    assert page.count("</style>") == 1
    assert "{{ 7 * 7 }}" in reader.text
    assert "49" not in reader.text.split("{{")[0][:200]
    for _, attributes in reader.tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert all(str(value).startswith("#") for name, value in attributes.items() if name in ("href", "src"))
    assert reader.text.count("<script>alert(1)</script>") > 10


def test_nothing_in_it_is_fetched_or_tells_of_this_machine(full):
    page = report(full)
    assert not re.search(r"https?://|url\(|@import", page)
    assert "/secret/place" not in page
    assert str(full.path.parent.parent) not in page
    assert "colours.csv" in page


def test_long_texts_are_cut_and_it_says_so(bare):
    evaluated(bare, rows(text="long " * 1000))
    page = report(bare)
    assert "cut here; it has" in page
    assert "long " * (MOST_TEXT // 5 + 1) not in page


def test_characters_that_html_refuses(bare):
    evaluated(bare, rows(text="\x00\x1b\x85"))
    page = report(bare)
    assert not set(page) & {"\x00", "\x1b", "\x85"}


def test_classes_get_their_confusion_and_slices(bare):
    labelled = [row.model_copy(update={"label": row.reference}) for row in rows()]
    evaluated(bare, labelled)
    page = Reader(report(bare))
    assert "Classes given by tuned" in page.text
    assert "Parts of the rows" in page.text


def test_a_damaged_evaluation_is_passed_over_and_damaged_rows_are_said(bare):
    evaluation = evaluated(bare, rows())
    (evaluation.path / "result.json").write_text("{")
    assert "Not scored yet" in report(bare)
    (bare.path / "data" / "source.json").write_text("{")
    assert "This part cannot be shown" in report(bare)


def test_rules_that_were_added_later_count(bare):
    evaluation = evaluated(bare, rows())
    add_rules(evaluation, [Rule(kind="contains", text="red", title="says red")])
    assert "says red" in report(bare)


def test_what_the_checks_find_is_said(bare):
    lines = [json.dumps({"row": n, "prompt": f"Colour {n % 3}?", "completion": "red"}) for n in range(1, 9)]
    (bare.path / "data" / "train.jsonl").write_text("\n".join(lines))
    assert "Nothing wrong in the rows" not in report(bare)


def test_a_run_that_has_not_begun(home):
    run = prepare_run(home, "2026-11-22-amber-owl", kind=None)
    assert "Nothing was measured yet" in report(run)


def test_the_file_is_written_whole(bare, tmp_path):
    path = write_report(bare, tmp_path / "new" / "report.html")
    assert path.read_text("utf-8").startswith("<!doctype html>")
    assert [each.name for each in path.parent.iterdir()] == ["report.html"]
    (tmp_path / "file").write_text("")
    with pytest.raises(StudioError, match="report could not be written"):
        write_report(bare, tmp_path / "file" / "report.html")
