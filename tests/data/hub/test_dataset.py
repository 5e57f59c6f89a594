"""Datasets of the Hub, fetched over real HTTP from a hub of this machine by the child that does it for the page."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studio.data.hub import dataset as hub_dataset
from studio.data.hub.dataset import choices, fetched, provenance
from studio.data.hub.place import HubPlace, hub_place
from studio.errors import StudioError
from tests.data.hub.fake_hub import REVISION, FakeHub, serving


def parquet(columns: dict[str, list[object]], rows_in_group: int = 1000) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, row_group_size=rows_in_group)
    return buffer.getvalue()


CARD = b"""---
license: cc-by-4.0
configs:
- config_name: default
  data_files:
  - split: train
    path: d/train*.parquet
  - split: test
    path: d/test.parquet
- config_name: hard
  data_files: hard/*.parquet
---
"""
THIEF = b"""---
configs:
- config_name: default
  data_files: a.csv
- config_name: thief
  data_files: SECRET
---
"""
TRAIN = {"question": ["a", "b", "c"], "answer": ["1", "2", "3"], "n": [1, 2, 3]}

DATASETS = {
    "me/two": {
        "README.md": CARD,
        "d/train-0.parquet": parquet(TRAIN),
        "d/train-1.parquet": parquet({name: cells[:1] for name, cells in TRAIN.items()}),
        "d/test.parquet": parquet({name: cells[1:] for name, cells in TRAIN.items()}),
        "hard/x.parquet": parquet(TRAIN),
    },
    "me/lines": {
        "train.jsonl": b'{"prompt": "x", "completion": "\xc3\xa4", "messages": [{"role": "user", "content": "x"}]}\n',
    },
    "me/pictures": {"train.parquet": parquet({"text": ["a"], "image": [{"bytes": b"\x89PNG", "path": "a.png"}]})},
    "me/script": {"script.py": b"raise SystemExit", "README.md": b""},
    "me/pickle": {"train.pkl": b"\x80\x04", "README.md": b""},
    "me/thief": {"README.md": THIEF, "a.csv": b"a\n1\n"},
    "me/gated": {"README.md": b"", "train.csv": b"a,b\n1,2\n"},
    "me/long": {"train.parquet": parquet({"text": ["x" * 100] * 6000})},
}


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("secret") / "secret.csv"
    path.write_text("password\nhunter2\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def hub(secret: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeHub]:
    thief = {name: content.replace(b"SECRET", str(secret).encode()) for name, content in DATASETS["me/thief"].items()}
    with pytest.MonkeyPatch.context() as patch, serving(DATASETS | {"me/thief": thief}, frozenset({"me/gated"})) as hub:
        patch.setenv("HF_ENDPOINT", hub.address)
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hf")))
        patch.delenv("HF_TOKEN", raising=False)
        yield hub


def test_subsets_and_splits(hub: FakeHub):
    assert choices(HubPlace("me/two")) == {"default": ("train", "test"), "hard": ("train",)}
    assert not [path for path in hub.fetched if path.endswith(".parquet")]


def test_a_split_is_fetched_once_with_its_provenance(hub: FakeHub, tmp_path: Path):
    progress: list[tuple[int, int]] = []
    place = HubPlace("me/two", split="train")
    file = fetched(place, tmp_path, lambda what, done, total: progress.append((done, total)))
    assert pq.read_table(file).to_pydict() == {
        "question": ["a", "b", "c", "a"],
        "answer": ["1", "2", "3", "1"],
        "n": [1, 2, 3, 1],
    }
    assert file.name == "two-train.parquet"
    assert progress[-1][0] == 4
    kept = json.loads((file.parent / "provenance.json").read_text("utf-8"))
    assert kept["fetched"].startswith("20")
    assert {key: kept[key] for key in kept if key != "fetched"} == {
        "id": "me/two", "revision": REVISION, "subset": "default", "split": "train", "rows": 4,
        "licence": "cc-by-4.0", "left_out": [],
    }  # fmt: skip
    before: set[int] = list(hub.fetched)
    assert fetched(place, tmp_path) == file
    assert hub.fetched == before
    assert fetched(HubPlace("me/two", subset="hard", split="train"), tmp_path) != file
    assert [path.name for path in (tmp_path / "hub").iterdir() if path.name.startswith(".")] == []


def test_the_first_rows_of_a_split(hub: FakeHub, tmp_path: Path):
    assert pq.read_table(fetched(HubPlace("me/two", split="train[:2]"), tmp_path)).num_rows == 2


def test_json_lines_keep_their_letters_and_lists(hub: FakeHub, tmp_path: Path):
    rows = pq.read_table(fetched(HubPlace("me/lines", split="train"), tmp_path)).to_pylist()
    assert rows == [{"prompt": "x", "completion": "ä", "messages": [{"role": "user", "content": "x"}]}]


def test_pictures_are_left_out_and_named(hub: FakeHub, tmp_path: Path):
    file = fetched(HubPlace("me/pictures", split="train"), tmp_path)
    assert pq.read_table(file).column_names == ["text"]
    found = provenance(file)
    assert found is not None
    assert found.left_out == ("image",)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (HubPlace("me/none", split="train"), "There is no dataset me/none on the Hub that you may see"),
        (HubPlace("me/gated", split="train"), "me/gated is gated.*datasets/me/gated, set HF_TOKEN"),
        (HubPlace("me/two", split="trian"), "no split 'trian' in its subset 'default'. It has 'train' and 'test'"),
        (HubPlace("me/two", subset="easy", split="train"), "no subset 'easy'. It has 'default' and 'hard'"),
        (HubPlace("me/script", split="train"), "made by a script, and the studio never runs code"),
        (HubPlace("me/pickle", split="train"), "no rows that can be read|only Parquet, JSON, CSV"),
        (HubPlace("me/thief", subset="thief", split="train"), "files which are not its own"),
    ],
    ids=lambda value: value.id if isinstance(value, HubPlace) else "",
)
def test_what_cannot_be_fetched_says_why_and_leaves_nothing(hub: FakeHub, tmp_path: Path, place: HubPlace, words: str):
    with pytest.raises(StudioError, match=words):
        fetched(place, tmp_path)
    assert list((tmp_path / "hub").iterdir()) == []


@pytest.mark.parametrize(("limits", "words"), [((5000, 2**30), "5,000 rows"), ((10**6, 250_000), "250,000 bytes")])
def test_too_much_is_refused_with_a_way_out(hub: FakeHub, tmp_path: Path, limits: tuple[int, int], words: str):
    with pytest.raises(StudioError, match=rf"more than {words}.*Set the split to train\[:100000\]"):
        fetched(HubPlace("me/long", split="train"), tmp_path, most_rows=limits[0], most_bytes=limits[1])


def test_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    with pytest.raises(StudioError, match=r"the Hub cannot be reached.*a file of your own or a bundled sample"):
        choices(HubPlace("me/two"))


def test_a_cancelled_fetch_ends_its_child_and_leaves_nothing(hub: FakeHub, tmp_path: Path):
    stop = threading.Event()
    before: set[int] = {child.pid for child in psutil.Process().children()}
    threading.Timer(0.3, stop.set).start()
    began = time.monotonic()
    with pytest.raises(StudioError, match="was cancelled"):
        fetched(HubPlace("me/two", split="test"), tmp_path, stopped=stop.is_set)
    assert time.monotonic() - began < 4
    assert list((tmp_path / "hub").iterdir()) == []
    assert {child.pid for child in psutil.Process().children()} <= before


def test_a_child_that_vanishes_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hub_dataset, "CHILD", ("-c", "import os; os._exit(9)"))
    with pytest.raises(StudioError, match="ended unexpectedly"):
        fetched(HubPlace("me/two", split="train"), tmp_path)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("hf://datasets/me/two", HubPlace("me/two")),
        (" hf://datasets/me/two@v1/ ", HubPlace("me/two", "v1")),
        ("https://huggingface.co/datasets/me/two", HubPlace("me/two")),
        ("huggingface.co/datasets/me/two/viewer", HubPlace("me/two")),
        ("https://huggingface.co/datasets/me/two/viewer/hard/test?row=3", HubPlace("me/two", "", "hard", "test")),
        ("https://hf.co/datasets/me/two/tree/v1", HubPlace("me/two", "v1")),
        ("me/two", None),
        ("data/train.csv", None),
        ("https://example.com/datasets/me/two", None),
    ],
)
def test_what_an_address_means(text: str, place: HubPlace | None):
    assert hub_place(text) == place


@pytest.mark.parametrize("text", ["hf://datasets/", "hf://datasets/../x", "hf://datasets/me/two/d/train.parquet"])
def test_an_address_that_means_no_dataset(text: str):
    with pytest.raises(StudioError, match="hf://datasets/"):
        hub_place(text)
