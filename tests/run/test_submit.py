"""From a recipe to a waiting run, or to everything that stands in the way."""

from __future__ import annotations

import pytest

from studio.data.part import DataPart
from studio.data.source import data_file
from studio.errors import StudioError
from studio.home import CHECKOUT
from studio.run import submit as submit_module
from studio.run.directory import Status, list_runs
from studio.run.events import Ended, EventWriter
from studio.run.submit import prepare_part, submit


def test_a_good_recipe_waits_in_the_queue(home, make_recipe):
    recipe = make_recipe()
    run = submit(home, recipe)
    assert run.status() is Status.WAITING
    assert run.recipe == recipe
    assert (len(run.examples("train")), len(run.examples("held_out"))) == (18, 6)
    assert list_runs(home) == [run]


def test_all_that_is_wrong_is_said_at_once_and_nothing_is_made(home, make_recipe, tmp_path):
    changes = {"data.path": "", "model.id": str(tmp_path / "none"), "training.precision": "float16"}
    with pytest.raises(StudioError) as caught:
        submit(home, make_recipe(changes))
    first, second, third = caught.value.problems
    assert "nothing to learn from" in first
    assert "no such folder" in second
    assert "float16" in third or "GPU" in third
    assert list_runs(home) == []


def test_a_longest_row_beyond_the_model_is_refused(home, make_recipe):
    with pytest.raises(StudioError, match="Set it to 2048 or less"):
        submit(home, make_recipe({"training.max_length": 4096}))


def test_pressing_train_twice_makes_one_run(home, make_recipe):
    first = submit(home, make_recipe())
    with pytest.raises(StudioError, match=f"already in progress as {first.name}"):
        submit(home, make_recipe())
    assert list_runs(home) == [first]


def test_another_recipe_other_rows_or_an_ended_twin_are_welcome(home, make_recipe, tmp_path):
    first = submit(home, make_recipe())
    submit(home, make_recipe({"training.seed": 7}))
    submit(home, make_recipe({"data.split_seed": 7}))
    with EventWriter(first.events_path) as events:
        events.write(Ended(kind="failed"))
    submit(home, make_recipe())
    assert len(list_runs(home)) == 4


def test_the_same_recipe_over_changed_rows_is_another_run(home, make_recipe, tmp_path):
    path = tmp_path / "mine.csv"
    for answer in ("yes", "no"):
        path.write_text("prompt,completion\n" + "".join(f"q{n},{answer}\n" for n in range(9)), "utf-8")
        submit(home, make_recipe({"data.path": str(path)}))
    assert len(list_runs(home)) == 2


def test_the_rows_are_frozen_when_the_run_is_made(home, make_recipe, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("prompt,completion\na,1\nb,2\nc,3\n", "utf-8")
    run = submit(home, make_recipe({"data.path": str(path), "data.held_out_share": 0}))
    path.unlink()
    assert [(pair.row, pair.prompt, pair.completion) for pair in run.examples("train")] == [
        (1, "a", "1"), (2, "b", "2"), (3, "c", "3"),
    ]  # fmt: skip


def test_the_data_part_decides_what_is_held_out(pairs_file, tmp_path):
    part = DataPart(path=str(pairs_file), held_out_share=0.5, split_seed=1)
    assert len(prepare_part(part).held_out) == 12
    other = prepare_part(part.model_copy(update={"split_seed": 2}))
    assert other.held_out != prepare_part(part).held_out
    (tmp_path / "held.csv").write_text("prompt,completion\nnew,row\n", "utf-8")
    with_file = part.model_copy(update={"held_out_path": str(tmp_path / "held.csv")})
    assert [pair.prompt for pair in prepare_part(with_file).held_out] == ["new"]
    turned = part.model_copy(update={"prompt_column": "completion", "completion_column": "prompt"})
    assert prepare_part(turned).train[0].completion.startswith("Colour")


def test_a_large_file_is_read_once_for_all_processes(home, pairs_file, monkeypatch):
    part = DataPart(path=str(pairs_file), split_seed=5)
    monkeypatch.setattr("studio.run.study.store.LARGE_ROWS", 5)
    first = prepare_part(part, home)
    submit_module._prepared.cache_clear()  # as in another process
    monkeypatch.setattr(submit_module, "prepare", lambda *_: pytest.fail("read again"))
    again = prepare_part(part, home)
    assert again is not first
    assert (again.train, again.fingerprint) == (first.train, first.fingerprint)
    assert prepare_part(part) is again


def test_a_file_is_looked_for_here_and_then_in_the_studio(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    inside = "assets/samples/tickets/train.jsonl"
    assert data_file(inside) == CHECKOUT / inside
    (tmp_path / "assets/samples/tickets").mkdir(parents=True)
    (tmp_path / inside).touch()
    assert data_file(inside).resolve() == tmp_path / inside
    assert str(data_file("none.csv")) == "none.csv"


def test_a_file_that_is_not_there_is_said(home, make_recipe):
    with pytest.raises(StudioError, match=r"none\.csv"):
        submit(home, make_recipe({"data.path": "none.csv"}))


def test_a_damaged_run_stands_in_nobodys_way(home, make_recipe):
    damaged = submit(home, make_recipe())
    (damaged.path / "recipe.yaml").write_bytes(b"method: [\xff")
    assert submit(home, make_recipe()).status() is Status.WAITING
