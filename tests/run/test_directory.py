"""A run is its folder: made whole at once, and its status computed from files alone."""

from __future__ import annotations

import errno
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from studio.data.dataset import Prepared, prepare
from studio.data.part import DataPart
from studio.errors import StudioError
from studio.recipe.recipe import Recipe
from studio.run import directory
from studio.run.directory import Run, Status, create_run, find_run, list_runs
from studio.run.events import Ended, EventWriter, Metrics, Phase
from studio.run.owner import claim
from studio.run.wish import Wish


@pytest.fixture
def prepared(pairs_file) -> Prepared:
    return prepare(DataPart(path=str(pairs_file), held_out_share=0.25))


@pytest.fixture
def run(home, prepared) -> Run:
    return create_run(home, Recipe(), prepared)


def happen(run, *events):
    with EventWriter(run.events_path) as writer:
        for event in events:
            writer.write(event)


def claim_as(run, **changes):
    owner = claim(run.owner_path)
    run.owner_path.write_text(owner.model_copy(update=changes).model_dump_json(), "utf-8")


def test_a_new_run_holds_what_was_asked_and_its_rows(run, home, prepared):
    assert sorted(str(path.relative_to(run.path)) for path in run.path.rglob("*")) == [
        "data", "data/held_out.jsonl", "data/source.json", "data/train.jsonl", "recipe.yaml",
    ]  # fmt: skip
    assert run.recipe == Recipe()
    assert run.examples("train") == prepared.train
    assert run.examples("held_out") == prepared.held_out
    source = run.source()
    assert (source["name"], source["fingerprint"]) == ("colours.csv", prepared.fingerprint)
    assert (source["prompt_column"], source["completion_column"]) == ("prompt", "completion")
    assert (source["train_rows"], source["held_out_rows"]) == (18, 6)
    assert (source["type"], source["shape"]) == ("prompt-completion", "standard")
    assert (source["mends"], source["mix"]) == ([], [])
    assert source["split"] == {"by": "prompt", "share": Recipe().data.held_out_share, "seed": Recipe().data.split_seed}
    assert list(home.runs.iterdir()) == [run.path]


def test_rows_of_any_text_come_back_as_they_were(home, tmp_path):
    texts = ["a\u2028b\u0085c\rd\ne", "\ud7ff\U0001f98a", "\x00\x1f\x7f", '"\\', "\u00e9e\u0301"]
    (tmp_path / "odd.jsonl").write_text(
        "".join(json.dumps({"prompt": text, "completion": f"{text}!"}) + "\n" for text in texts), "utf-8"
    )
    prepared = prepare(DataPart(path=str(tmp_path / "odd.jsonl"), held_out_share=0))
    assert create_run(home, Recipe(), prepared).examples("train") == prepared.train


def test_waiting_until_somebody_claims_it(run):
    assert run.status() is Status.WAITING
    claim_as(run)
    assert run.status() is Status.RUNNING
    happen(run, Phase(phase="training"), Metrics(step=1, values={"loss": 1.0}))
    assert run.status() is Status.RUNNING


def test_stopping_until_it_has_stopped(run):
    claim_as(run)
    run.ask(Wish.STOP)
    assert run.status() is Status.STOPPING
    happen(run, Ended(kind="stopped", step=3))
    assert run.status() is Status.STOPPED


def test_a_waiting_run_that_is_stopped_is_off_the_queue(run):
    run.ask(Wish.STOP)
    assert run.status() is Status.STOPPED


@pytest.mark.parametrize("kind", ["finished", "stopped", "failed"])
def test_the_last_event_says_how_it_ended(run, kind):
    claim_as(run)
    happen(run, *(Metrics(step=n, values={"loss": 1.0}) for n in range(200)), Ended(kind=kind, message="é" * 1000))
    assert run.status() == kind
    assert run.status().over
    assert run.ended().message == "é" * 1000


@pytest.mark.parametrize("changes", [{"pid": 2**22 + 1}, {"ticks": 5}], ids=["dead", "number reused"])
def test_a_run_whose_process_is_gone_without_a_word_is_lost(run, changes):
    claim_as(run, **changes)
    happen(run, Metrics(step=1, values={"loss": 1.0}))
    assert run.status() is Status.LOST
    run.ask(Wish.STOP)
    assert run.status() is Status.LOST
    happen(run, Ended(kind="finished"))
    assert run.status() is Status.FINISHED


def test_two_views_of_a_run_never_differ(run):
    other = Run(Path(str(run.path)))
    claim_as(run)
    assert other.status() is Status.RUNNING
    other.ask(Wish.STOP)
    assert run.status() is Status.STOPPING
    assert [status for status in Status if not status.over] == [Status.WAITING, Status.RUNNING, Status.STOPPING]


def test_many_runs_at_once_have_names_of_their_own(home, prepared):
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: create_run(home, Recipe(), prepared), range(24)))
    assert len({run.name for run in runs}) == 24
    assert {run.path for run in list_runs(home)} == {run.path for run in runs}
    assert len(list(home.runs.iterdir())) == 24


def test_a_name_that_is_taken_is_not_given_again(home, prepared, monkeypatch):
    names = iter(["one", "one", "two"])
    monkeypatch.setattr(directory, "new_name", lambda *_: next(names))
    first, second = create_run(home, Recipe(), prepared), create_run(home, Recipe(), prepared)
    assert (first.name, second.name) == ("one", "two")
    assert first.recipe == second.recipe


def test_runs_are_listed_oldest_first_and_only_whole_ones(home, prepared):
    runs = [create_run(home, Recipe(), prepared) for _ in range(3)]
    for age, run in enumerate(runs):
        os.utime(run.path / "recipe.yaml", (1000 - age, 1000 - age))
    (home.runs / "empty").mkdir()
    shutil.copytree(runs[0].path, home.runs / ".new-draft")
    (home.runs / "a-file").touch()
    assert list_runs(home) == runs[::-1]


def test_a_full_disk_is_said_and_leaves_nothing(home, prepared, monkeypatch):
    def no_room(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(directory, "write_rows", no_room)
    with pytest.raises(StudioError, match=r"No space left on device.*nothing was started"):
        create_run(home, Recipe(), prepared)
    assert list(home.runs.iterdir()) == []


def test_a_home_that_is_gone_is_said(home, prepared):
    shutil.rmtree(home.runs)
    home.runs.write_text("a file in its place")
    with pytest.raises(StudioError, match="could not be written"):
        create_run(home, Recipe(), prepared)


def test_a_run_is_found_by_name_folder_or_a_part_of_its_name(home, prepared, monkeypatch):
    names = iter(["2026-11-20-amber-fox", "2026-11-20-amber-foxes", "2026-11-21-teal-owl"])
    monkeypatch.setattr(directory, "new_name", lambda *_: next(names))
    fox, foxes, owl = (create_run(home, Recipe(), prepared) for _ in range(3))
    assert find_run(home, "teal") == owl
    assert find_run(home, "2026-11-20-amber-fox") == fox
    assert find_run(home, str(foxes.path)) == foxes
    assert find_run(home, f"{foxes.path}/") == foxes
    monkeypatch.chdir(home.runs)
    assert find_run(home, f"./{fox.name}/") == fox
    with pytest.raises(StudioError, match=r"Several runs match 'amber': .*amber-fox.*, .*amber-fox.*Name one in full"):
        find_run(home, "amber")
    for name in ("mauve", "", "../..", "\0", "x" * 5000):
        with pytest.raises(StudioError, match=r"There is no run .*`python -m studio runs` lists them"):
            find_run(home, name)
