"""What a recipe's path names: a file, a folder, or a dataset of the Hub, which is suggested and never assumed."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.data import source
from studio.data.hub.place import HubPlace
from studio.data.part import DataPart, Reading
from studio.data.source import asked_of_hub, data_file, located, suggestion
from studio.errors import StudioError
from studio.home import CHECKOUT


def test_a_file_of_the_working_directory_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert data_file("assets/samples/README.md") == CHECKOUT / "assets/samples/README.md"
    (tmp_path / "assets" / "samples").mkdir(parents=True)
    (tmp_path / "assets" / "samples" / "README.md").write_text("mine")
    assert data_file("assets/samples/README.md").read_text() == "mine"


def test_files_and_folders_are_themselves(tmp_path: Path):
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    assert located(DataPart(path=str(tmp_path / "rows.csv"))) == tmp_path / "rows.csv"
    assert located(DataPart(path=str(tmp_path))) == tmp_path


HARD = "https://hf.co/datasets/me/two/viewer/hard/test"


@pytest.mark.parametrize(
    ("path", "reading", "place"),
    [
        ("hf://datasets/me/two", Reading(), HubPlace("me/two", split="train")),
        ("hf://datasets/me/two", Reading(subset="hard", split="test"), HubPlace("me/two", "", "hard", "test")),
        (HARD, Reading(), HubPlace("me/two", "", "hard", "test")),
        (HARD, Reading(subset="x", split="y"), HubPlace("me/two", "", "x", "y")),
        ("rows.csv", Reading(), None),
    ],
)
def test_what_is_asked_of_the_hub(path: str, reading: Reading, place: HubPlace | None):
    assert asked_of_hub(DataPart(path=path, reading=reading)) == place


def test_a_dataset_of_the_hub_is_fetched_into_the_uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[tuple[HubPlace, Path]] = []

    def fetched(place: HubPlace, uploads: Path, *_: object) -> Path:
        asked.append((place, uploads))
        return uploads / "rows.parquet"

    monkeypatch.setattr(source, "fetched", fetched)
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "home"))
    part = DataPart(path="hf://datasets/me/two")
    assert located(part, tmp_path / "uploads") == tmp_path / "uploads" / "rows.parquet"
    assert located(part) == tmp_path / "home" / "uploads" / "rows.parquet"
    assert [place for place, _ in asked] == [HubPlace("me/two", split="train")] * 2


def test_an_id_that_is_no_file_is_suggested_not_assumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudioError, match=r"no file 'me/two'.*write hf://datasets/me/two"):
        located(DataPart(path="me/two"))
    (tmp_path / "me").mkdir()
    (tmp_path / "me" / "two").write_text("a,b\n")
    assert located(DataPart(path="me/two")) == Path("me/two")


@pytest.mark.parametrize("path", ["data/train.csv", "rows", "/tmp/me/two", "../me/two", "data/rows.jsonl", ""])
def test_what_looks_like_a_file_suggests_no_dataset(path: str):
    assert suggestion(path) is None


def test_names_with_a_version_are_suggested():
    assert suggestion("me/set-v1.0") == "hf://datasets/me/set-v1.0"
