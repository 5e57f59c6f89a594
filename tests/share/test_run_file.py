"""A run as one file: out, over to another home, and in again; and what is refused on the way in."""

from __future__ import annotations

import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.answer.evaluation.folder import evaluations_of, make_evaluation
from studio.answer.evaluation.request import Contestant, Request
from studio.answer.voice import Voice
from studio.data.example import Examples
from studio.errors import StudioError
from studio.home import Home, open_home
from studio.run import owner
from studio.run.directory import Run, Status, list_runs
from studio.run.events import Ended, EventWriter
from studio.run.wish import Wish
from studio.share import run_import
from studio.share.run_file import MANIFEST, packed, write_run_file
from studio.share.run_import import read_run_file
from tests.prepared_runs import prepare_run

Tamper = Callable[[dict[str, bytes], dict[str, object]], None]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Home:
    return open_home(tmp_path / "elsewhere")


@pytest.fixture
def made(home: Home) -> Run:
    run = prepare_run(home, "amber-fox")
    (run.path / "checkpoints" / "checkpoint-4").mkdir(parents=True)
    (run.path / "checkpoints" / "checkpoint-4" / "optimizer.pt").write_bytes(b"state" * 1000)
    (run.path / "exports").mkdir()
    (run.path / "exports" / "old.zip").write_bytes(b"zip")
    (run.path / "output.log").write_text("line\nhalf")
    return run


def contents(run: Run) -> dict[str, bytes]:
    return {str(path.relative_to(run.path)): path.read_bytes() for path in run.path.rglob("*") if path.is_file()}


def test_a_run_goes_to_another_home_and_is_the_same(made, elsewhere, tmp_path):
    path = write_run_file(made, tmp_path / "out")
    assert path.name == "amber-fox.run.zip"
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    run = read_run_file(elsewhere, path)
    left = {"output.log", "exports/old.zip", "checkpoints/checkpoint-4/optimizer.pt"}
    before = {name: content for name, content in contents(made).items() if name not in left}
    assert contents(run) == before | {"output.log": b"line\n"}
    assert (run.name, run.status(), run.recipe) == ("amber-fox", Status.FINISHED, made.recipe)
    assert list(elsewhere.runs.glob(".*")) == []


def test_only_finished_evaluations_come_along(made, elsewhere, tmp_path):
    """One that waits would be begun by itself, with whatever it asks of whomever."""
    request = Request(contestants=(Contestant(name="base", voice=Voice.of_model("starter")),))
    done, waiting = (make_evaluation(made.path / "evaluations", request, Examples.of([])) for _ in range(2))
    for each in (done, waiting):
        (each.path / "result.json").write_text("{}")
    with EventWriter(done.events_path) as events:
        events.write(Ended(kind="finished"))
    run = read_run_file(elsewhere, write_run_file(made, tmp_path / "out"))
    assert [each.id for each in evaluations_of(run)] == [done.id]
    assert [path.name for path in (run.path / "evaluations").iterdir()] == [done.id]


def test_checkpoints_come_along_where_they_are_asked_for(made, elsewhere, tmp_path):
    run = read_run_file(elsewhere, write_run_file(made, tmp_path / "out", checkpoints=True))
    assert [path.name for path in run.checkpoints()] == ["checkpoint-4"]


def test_a_name_that_is_taken_is_not_taken_again(made, home, tmp_path):
    path = write_run_file(made, tmp_path)
    assert [read_run_file(home, path).name for _ in range(2)] == ["amber-fox-2", "amber-fox-3"]
    assert len(list_runs(home)) == 3


@pytest.mark.parametrize("owned", [False, True])
def test_a_run_that_had_not_ended_rests_where_it_comes_to(home, elsewhere, tmp_path, owned):
    run = prepare_run(home, "amber-fox", kind=None)
    if owned:
        owner.claim(run.owner_path)
    found = read_run_file(elsewhere, write_run_file(run, tmp_path))
    assert found.status() is Status.PAUSED
    assert found.wish() is Wish.PAUSE
    assert run.status() is (Status.RUNNING if owned else Status.WAITING)


def test_no_more_than_a_block_is_in_memory(made):
    (made.path / "adapter" / "adapter_model.safetensors").write_bytes(b"\0" * 5_000_000)
    blocks = list(packed(made))
    assert sum(map(len, blocks)) > 5_000_000
    assert max(map(len, blocks)) <= 2**20


def rewritten(path: Path, tamper: Tamper) -> Path:
    """The file with its entries and its manifest as `tamper` leaves them."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(entries.pop(MANIFEST))
    tamper(entries, manifest)
    to = path.with_name("tampered.zip")
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
        archive.writestr(MANIFEST, json.dumps(manifest))
    return to


def added(name: str) -> Tamper:
    def add(entries: dict[str, bytes], manifest: dict[str, object]) -> None:
        entries[name] = b"x"

    return add


def named(name: str) -> Tamper:
    return lambda entries, manifest: manifest.update(run=name)


TAMPERED: dict[str, tuple[Tamper, str]] = {
    "a digest": (lambda entries, _: entries.update({"events.jsonl": b"{}\n"}), "events.jsonl in the file is not as"),
    "a way up": (added("../outside.json"), "leads out of the run's folder"),
    "a root": (added("/tmp/outside.json"), "leads out of the run's folder"),
    "a drive": (added("C:/outside.json"), "leads out of the run's folder"),
    "a backslash": (added("data\\outside.json"), "leads out of the run's folder"),
    "hidden": (added(".bashrc"), "leads out of the run's folder or is hidden"),
    "a program": (added("adapter/modeling.py"), "is of a kind that a run does not have there"),
    "a pickle": (added("adapter/adapter_model.bin"), "is of a kind that a run does not have there"),
    "twice": (added("Recipe.YAML"), "two files of one name"),
    "a bad name": (named("../up"), "which no run can be"),
    "no recipe": (lambda entries, _: entries.pop("recipe.yaml") and None, "recipe.yaml is missing"),
    "a bomb": (lambda entries, _: entries.update({"output.log": b"\0" * 130_000_000}), "would become"),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_what_is_not_safe_is_not_unpacked(made, elsewhere, tmp_path, case):
    tamper, words = TAMPERED[case]
    path = rewritten(write_run_file(made, tmp_path), tamper)
    with pytest.raises(StudioError, match=words):
        read_run_file(elsewhere, path)
    assert list(elsewhere.runs.iterdir()) == []
    assert sorted(each.name for each in tmp_path.iterdir() if each.is_file()) == ["amber-fox.run.zip", "tampered.zip"]


@pytest.mark.parametrize(
    "settings", [{"r": 10_000_000}, {"target_modules": "(a+)+$"}, {"rank_pattern": {"q_proj": 10**9}}, ["r"]]
)
def test_an_adapter_that_would_take_all_memory_or_time_is_not_unpacked(made, elsewhere, tmp_path, settings):
    (made.path / "adapter" / "adapter_config.json").write_text(json.dumps(settings))
    with pytest.raises(StudioError, match="settings that no method of the studio makes"):
        read_run_file(elsewhere, write_run_file(made, tmp_path))
    assert list(elsewhere.runs.iterdir()) == []


def test_a_link_is_not_unpacked(made, elsewhere, tmp_path):
    path = write_run_file(made, tmp_path)
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("data/link.json")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(StudioError, match=r"data/link.json', which is a link"):
        read_run_file(elsewhere, path)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_run_file_is_refused(elsewhere, tmp_path, content):
    path = tmp_path / "some.zip"
    path.write_bytes(content)
    with pytest.raises(StudioError, match=r"not a whole run file|not a run of the studio"):
        read_run_file(elsewhere, path)
    assert list(elsewhere.runs.iterdir()) == []


def test_a_file_cut_off_is_refused(made, elsewhere, tmp_path):
    path = write_run_file(made, tmp_path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(StudioError, match="not a whole run file"):
        read_run_file(elsewhere, path)


def test_a_disk_without_room_is_said_before_anything_is_written(made, elsewhere, tmp_path, monkeypatch):
    path = write_run_file(made, tmp_path)
    monkeypatch.setattr(run_import, "SPARE", 10**15)
    with pytest.raises(StudioError, match="Free some space first"):
        read_run_file(elsewhere, path)
