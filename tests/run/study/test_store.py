"""A large file that was prepared is kept: equal to what was read, mapped and not read, gone when the file changes."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from studio.data.dataset import prepare
from studio.data.mends.every import TrimSpaces
from studio.data.part import DataPart
from studio.run.study import store as store_module
from studio.run.study.caches import Cache
from studio.run.study.store import store, stored, takes_long


@pytest.fixture
def file(tmp_path) -> Path:
    rows = [f'{{"prompt": "Ask {n} 🦊 ", "completion": "Say {n % 7}", "more": {{"n": {n}}}}}' for n in range(300)]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join([*rows, '{"prompt": "", "completion": "x"}']) + "\n", "utf-8")
    return path


@pytest.fixture
def cache(tmp_path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def all_are_large(monkeypatch):
    monkeypatch.setattr(store_module, "LARGE_ROWS", 10)


def same(one, other) -> bool:
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return one == other


@pytest.mark.parametrize(
    "changes", [{}, {"held_out_share": 0.0}, {"mends": (TrimSpaces(),)}, {"held_out_path": True}], ids=str
)
def test_what_is_loaded_is_what_was_prepared(file, cache, changes, all_are_large, tmp_path):
    if "held_out_path" in changes:
        changes = {"held_out_path": str(tmp_path / "held.csv")}
        (tmp_path / "held.csv").write_text("prompt,completion\nnew,row\n", "utf-8")
    part = DataPart(path=str(file), **changes)
    prepared = prepare(part)
    store(cache, part, prepared)
    loaded = stored(cache, part)
    for field in fields(prepared):
        if field.name != "table":
            assert getattr(loaded, field.name) == getattr(prepared, field.name), field.name
    for field in fields(prepared.table):
        assert same(getattr(loaded.table, field.name), getattr(prepared.table, field.name)), field.name
    assert loaded.table.some([0, 299]) == prepared.table.some([0, 299])
    assert loaded.train.rows.tolist() == prepared.train.rows.tolist()


def test_the_text_is_on_the_disk_once_and_mapped(file, cache, all_are_large):
    import pyarrow as pa

    part = DataPart(path=str(file))
    before = pa.total_allocated_bytes()
    loaded = store(cache, part, prepare(part))
    entry = cache.find(store_module.prepared_key(part)).path
    text = sum(len(b"Ask 100 \xf0\x9f\xa6\x8a Say 1") for _ in range(300))
    assert sum(path.stat().st_size for path in entry.glob("*.arrow")) < 5 * text
    assert pa.total_allocated_bytes() - before < 1000
    assert len(loaded.examples) == 301


def test_a_small_file_is_not_kept(file, cache):
    part = DataPart(path=str(file))
    prepared = prepare(part)
    assert store(cache, part, prepared) is prepared
    assert stored(cache, part) is None


def test_a_changed_file_a_changed_part_and_a_changed_code_are_prepared_anew(file, cache, all_are_large, monkeypatch):
    part = DataPart(path=str(file))
    store(cache, part, prepare(part))
    assert stored(cache, part)
    assert stored(cache, part.model_copy(update={"split_seed": 1})) is None
    monkeypatch.setattr("studio.run.study.keys.data_code", lambda: "newer")
    assert stored(cache, part) is None
    monkeypatch.undo()
    os.utime(file, ns=(1, 1))
    assert stored(cache, part) is None


def test_a_file_in_a_folder_counts_too(file, cache, tmp_path):
    folder = DataPart(path=str(tmp_path), held_out_path=str(file))
    before = store_module.stamps(folder)
    assert str(file) in {path for path, _, _ in before}
    (tmp_path / "another.csv").write_text("a,b\n")
    assert store_module.stamps(folder) != before


def test_what_takes_long_is_known_before_it_is_read(tmp_path):
    for name, size, long in (("a.csv", 9e6, True), ("b.csv", 7e6, False), ("c.parquet", 2e6, True)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(int(size))
        assert takes_long(DataPart(path=str(tmp_path / name))) is long, name
    assert takes_long(DataPart(path="hf://datasets/owner/name"))
    assert not takes_long(DataPart(path=str(tmp_path / "none")))


def test_a_full_disk_leaves_what_was_prepared(file, tmp_path, all_are_large):
    (tmp_path / "cache").touch()
    said: list[str] = []
    part = DataPart(path=str(file))
    prepared = prepare(part)
    assert store(Cache(tmp_path / "cache", warn=said.append), part, prepared) is prepared
    assert len(said) == 1
