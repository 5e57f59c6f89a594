import json
import shutil

import pytest

from studio.answer import held_out
from studio.answer.score import Score, ScoredRow, judge, score
from studio.errors import StudioError
from studio.run.directory import Run


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(held_out, "BATCH", 8)


@pytest.fixture
def own_run(run, tmp_path) -> Run:
    shutil.copytree(run.path, tmp_path / "run")
    return Run(tmp_path / "run")


def test_every_held_out_row_is_answered_and_judged(own_run):
    progress = []
    result = score(own_run, on_progress=lambda done, total: progress.append((done, total)))
    assert result.n == len(result.rows) == 20
    assert [row.row for row in result.rows] == list(range(4, 24))
    assert progress == [(8, 40), (16, 40), (20, 40), (28, 40), (36, 40), (40, 40)]
    assert result.scores["base"].keys() == result.intervals["tuned"].keys() == result.differences.keys()
    assert all(low <= result.scores["tuned"][name] <= high for name, (low, high) in result.intervals["tuned"].items())
    assert any(row.base != row.tuned for row in result.rows)
    assert result.max_new_tokens == 46 + held_out.MARGIN  # the longest reference has 46 characters


def test_result_is_kept_with_the_run(own_run):
    result = score(own_run, limit=3)
    folder = own_run.path / "evaluations"
    assert [path.name for path in folder.iterdir()] == ["held-out-first-3.json"]
    assert Score.model_validate_json((folder / "held-out-first-3.json").read_bytes()) == result
    assert {"n", "scores", "intervals"} <= json.loads(result.model_dump_json()).keys()


def test_rows_too_long_are_skipped_and_said(own_run):
    lines = [{"row": 1, "prompt": "x" * 3000, "completion": "y"}, {"row": 2, "prompt": "x", "completion": "y"}]
    (own_run.path / "data" / "held_out.jsonl").write_text("\n".join(map(json.dumps, lines)), "utf-8")
    result = score(own_run)
    assert (result.n, result.skipped) == (1, [1])


def test_all_rows_too_long(own_run):
    line = {"row": 1, "prompt": "x" * 3000, "completion": "y"}
    (own_run.path / "data" / "held_out.jsonl").write_text(json.dumps(line), "utf-8")
    with pytest.raises(StudioError, match=r"longer than the model's context of 2,048"):
        score(own_run)


def test_nothing_held_out(own_run):
    (own_run.path / "data" / "held_out.jsonl").write_text("", "utf-8")
    with pytest.raises(StudioError, match="held no rows out"):
        score(own_run)


def test_json_references_bring_the_json_metrics():
    row = ScoredRow(row=1, prompt="p", reference='{"a": 1}', base="no", tuned='{"a": 1}')
    values = judge([row])
    assert values["tuned"]["json_fields"] == values["tuned"]["exact_match"] == [1.0]
    assert values["base"]["json_valid"] == [0.0]
