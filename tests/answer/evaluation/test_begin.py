"""Who is asked, which rows, and what is refused before anything is loaded."""

from __future__ import annotations

import json

import pytest

from studio.answer.evaluation.begin import begin_baseline, begin_drift, begin_scores, drawn
from studio.answer.evaluation.request import Rule
from studio.data.example import Example, Examples
from studio.data.part import DataPart
from studio.errors import StudioError


def rewrite(run, part: str, rows: list[dict]) -> None:
    (run.path / "data" / f"{part}.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")


def test_base_examples_tuned_checkpoints_and_other_runs_are_asked(home, bring, run, result_of):
    own, other = bring(run), bring(result_of("lora"), "2026-01-02-teal-owl")
    rewrite(other, "held_out", [{"row": 1, "prompt": "a?", "completion": "b"}])
    rewrite(other, "train", [{"row": 2, "prompt": "c?", "completion": "d"}])
    rules = [Rule(kind="contains", text="ok")]
    found = begin_scores(home, own, shots=3, limit=6, others=["teal-owl", own.name], rules=rules).request
    assert [(each.name, each.shots) for each in found.contestants] == [
        ("base", 0), ("few-shot", 3), ("tuned", 0), (other.name, 0)
    ]  # fmt: skip
    assert (found.rows_are, found.rules, found.kind) == ("6 of 20 held-out rows, drawn evenly", tuple(rules), "scores")
    at_checkpoint = begin_scores(home, other, shots=0, checkpoints=[3]).request
    assert [each.name for each in at_checkpoint.contestants] == ["base", "tuned", "checkpoint-3"]
    assert at_checkpoint.rows_are == "all 1 held-out row"
    with pytest.raises(StudioError, match="no checkpoint checkpoint-4"):
        begin_scores(home, other, checkpoints=[4])
    with pytest.raises(StudioError, match="There is no run 'nobody'"):
        begin_scores(home, own, others=["nobody"])


def test_rows_are_drawn_from_all_over_and_the_same_each_time():
    every = Examples.of([Example(row, "p", "c") for row in range(1000)])
    some, words = drawn(every, 100, "row")
    assert words == "100 of 1,000 rows, drawn evenly"
    assert [int(row) // 10 for row in some.rows] == list(range(100)), "one of each stretch of ten"
    assert len({int(row) % 10 for row in some.rows}) == 10, "by chance within it"
    assert drawn(every, 100, "row")[0] == some


@pytest.mark.parametrize(
    ("rows", "words"),
    [([], "held no rows out"), ([{"row": 1, "prompt": "", "completion": "plain text"}], "they ask nothing")],
)
def test_what_cannot_be_judged_is_refused(own_run, home, rows, words):
    rewrite(own_run, "held_out", rows)
    with pytest.raises(StudioError, match=words):
        begin_scores(home, own_run)


def test_no_examples_where_training_rows_cannot_be_shown(own_run, home):
    rewrite(own_run, "train", [{"row": 1, "prompt": "", "completion": "plain text"}])
    evaluation = begin_scores(home, own_run, shots=5)
    assert [each.name for each in evaluation.request.contestants] == ["base", "tuned"]
    assert "plain text" in evaluation.request.notes[0]


def test_a_baseline_asks_the_base_before_any_training(home, make_recipe):
    evaluation = begin_baseline(home, make_recipe(), sample=4, shots=2)
    assert evaluation.path.parent == home.baselines
    assert [(each.name, each.shots) for each in evaluation.request.contestants] == [("base", 0), ("few-shot", 2)]
    assert len(evaluation.asked()) == 4
    rows = {example.row for example in evaluation.asked()}
    assert rows.isdisjoint({example.row for example in evaluation.shown()}), "examples are training rows"
    with pytest.raises(StudioError, match="holds no rows out"):
        begin_baseline(home, make_recipe({"data.held_out_share": 0.0}))
    with pytest.raises(StudioError, match="no head"):
        begin_baseline(home, make_recipe({"task.name": "sequence-classification"}))


def test_new_rows_beside_known_ones(own_run, home, pairs_file):
    evaluation = begin_drift(home, own_run, DataPart(path=str(pairs_file)))
    rows = list(evaluation.asked())
    assert [sum(row.source == source for row in rows) for source in ("new", "known")] == [24, 20]
    assert evaluation.request.kind == "drift"
    assert "colours.csv" in evaluation.request.rows_are
    other = pairs_file.with_name("other.csv")
    other.write_text("foo,bar\na,b\n")
    source = own_run.path / "data" / "source.json"
    source.write_text(json.dumps(own_run.source() | {"columns": ["ask", "say"]}))
    with pytest.raises(StudioError, match=r"usual name(.|\n)*columns are 'ask' and 'say'"):
        begin_drift(home, own_run, DataPart(path=str(other)))
    with pytest.raises(StudioError):
        begin_drift(home, own_run, DataPart(path=str(pairs_file) + ".gone"))
