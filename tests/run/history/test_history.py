from __future__ import annotations

import json
import shutil
import time

import pytest

from studio.run.branch import Parent
from studio.run.directory import Run, Status
from studio.run.events import Ended, EventWriter, Metrics, Resumed
from studio.run.history.history import History
from studio.run.history.notes import change_notes
from studio.run.history.record import SPARKS, Record, Sparkline
from studio.run.history.summary import Scored, Summary
from tests.prepared_runs import LOSSES, WEIGHTS, prepare_run


def rows(history: History, since: int = 0) -> dict[str, Summary]:
    return {row.run: row for row in history.look(since).rows}


def test_a_run_in_a_line(home):
    run = prepare_run(home, "amber-fox", {"method.rank": 4})
    figures = {"base": {"value": 0.1}, "tuned": {"value": 0.5}}
    loss = {"name": "loss", "title": "Loss", "unit": "nats", "figures": figures}
    match = {"name": "exact_match", "title": "exact match", "unit": "share", "figures": figures}
    (run.path / "evaluations" / "one").mkdir(parents=True)
    scores = {"n": 6, "main": "loss", "metrics": [loss, match]}
    (run.path / "evaluations" / "one" / "result.json").write_text(json.dumps({"scores": scores}))
    (row,) = History(home).look().rows
    assert (row.run, row.status, row.base, row.method, row.data, row.rows) == (
        "amber-fox", Status.FINISHED, "starter", "LoRA", "colours.csv", 18
    )  # fmt: skip
    assert (row.best, row.best_step, row.steps, row.step, row.seconds) == (pytest.approx(1.1), 6, 6, 6, 6.0)
    assert (row.loss[0], len(row.loss)) == (LOSSES[0], len(LOSSES))
    assert row.scored == Scored("exact match", 0.1, 0.5, 6)
    assert row.result == "adapter"
    assert WEIGHTS < row.bytes < WEIGHTS + 20_000
    assert (row.origin, row.wrong) == (None, "")


def test_only_what_changed_is_told_again(home):
    runs = [prepare_run(home, f"run-{n}") for n in range(3)]
    history = History(home)
    first = history.look()
    assert (len(first.rows), sorted(first.names or [])) == (3, ["run-0", "run-1", "run-2"])
    second = history.look(first.now)
    assert (second.rows, second.names, second.more) == ([], None, False)
    change_notes(runs[1], {"name": "new"})
    third = history.look(second.now)
    assert [row.notes.name for row in third.rows] == ["new"]
    shutil.rmtree(runs[2].path)
    fourth = history.look(third.now)
    assert fourth.rows == []
    assert sorted(fourth.names or []) == ["run-0", "run-1"]
    assert len(History(home).look(fourth.now).rows) == 2, (
        "another process begins anew, whatever number it is asked from"
    )


def test_a_run_in_progress_is_followed_and_what_was_taken_back_does_not_count(home):
    run = prepare_run(home, "amber-fox", kind="stopped")
    history = History(home)
    assert rows(history)["amber-fox"].best == pytest.approx(1.1)
    with EventWriter(run.events_path) as events:
        events.write(Resumed(step=3, time=1_763_001_000.0))
        events.write(Metrics(step=4, time=1_763_001_002.0, values={"loss": 9.0, "eval_loss": 8.0}))
    row = rows(history)["amber-fox"]
    assert row.status is Status.WAITING
    assert (row.best, row.best_step, row.step) == (pytest.approx(2.1), 2, 4)
    assert row.seconds == pytest.approx(8.0), "the time between the two lives does not count"


def test_a_damaged_run_has_a_line_and_harms_no_other(home):
    prepare_run(home, "amber-fox")
    broken = prepare_run(home, "bad-recipe")
    (broken.path / "recipe.yaml").write_text("[")
    (broken.path / "data" / "source.json").write_text("{")
    (broken.path / "events.jsonl").write_bytes(b"\xff\xfe garbage\n{}\n")
    found = rows(History(home))
    assert found["amber-fox"].wrong == ""
    assert "not YAML" in found["bad-recipe"].wrong
    assert (found["bad-recipe"].base, found["bad-recipe"].data) == ("?", "?")


def test_where_runs_came_from(home):
    parent = prepare_run(home, "parent")
    branch = prepare_run(home, "branch")
    (branch.path / "branch.json").write_text(Parent(run="parent", step=4).model_dump_json())
    prepare_run(home, "on-top", {"model.id": str(parent.path / "merged")})
    prepare_run(home, "elsewhere", {"model.id": "/models/base"})
    found = rows(History(home))
    origins = {name: (row.origin.run, row.origin.how, row.origin.step) for name, row in found.items() if row.origin}
    assert origins == {"branch": ("parent", "branched", 4), "on-top": ("parent", "tuned on", 0)}
    assert (found["on-top"].base, found["elsewhere"].base) == ("result of parent", "base")


def test_a_second_look_at_many_runs_reads_none_of_them_again(home):
    template = prepare_run(home, "run-0", losses=[1 / step for step in range(1, 200)])
    for number in range(1, 60):
        shutil.copytree(template.path, home.runs / f"run-{number}")
    history = History(home)
    began = time.perf_counter()
    seen = history.look(seconds=60)
    first = time.perf_counter() - began
    began = time.perf_counter()
    assert history.look(seen.now).rows == []
    assert len(seen.rows) == 60
    assert time.perf_counter() - began < first / 10


def test_a_look_that_takes_too_long_goes_on_with_the_next(home):
    for number in range(4):
        prepare_run(home, f"run-{number}")
    history = History(home)
    look = history.look(seconds=0)
    assert (look.rows, look.more, len(look.names or [])) == ([], True, 4)
    assert len(history.look(look.now, seconds=60).rows) == 4


def test_a_sparkline_stays_short_and_ends_where_the_loss_does():
    line = Sparkline()
    for step in range(10_000):
        line.add(step, 5.0 if step < 5000 else 1.0)
    assert SPARKS <= len(line.points) <= 2 * SPARKS + 1
    assert line.points[0][1] == 5.0
    assert line.points[-1][1] == pytest.approx(1.0)
    line.back_to(100)
    assert max(step for step, _ in line.points) <= 100


def test_events_in_another_file_are_read_anew(home):
    run = prepare_run(home, "amber-fox")
    record = Record().after(run)
    run.events_path.unlink()
    with EventWriter(run.path / "new.jsonl") as events:
        events.write(Metrics(step=1, values={"loss": 7.0}))
        events.write(Ended(kind="failed"))
    (run.path / "new.jsonl").rename(run.events_path)
    again = record.after(Run(run.path))
    assert (again.step, again.loss.points) == (1, [(1, 7.0)])
