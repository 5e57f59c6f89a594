"""What is kept: whole or absent, the oldest dropped first, never what is read, and no harm where the disk is full."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from studio.home import CHECKOUT
from studio.run.study.caches import Cache


def filled(size: int):
    def write(folder: Path) -> None:
        (folder / "content").write_bytes(b"x" * size)

    return write


def keep(cache: Cache, key: str, size: int = 10) -> None:
    """Made and let go at once; each one a little later than the last."""
    assert cache.keep(key, filled(size))
    time.sleep(0.01)


@pytest.fixture
def cache(tmp_path) -> Cache:
    return Cache(tmp_path / "cache", cap=100)


def names(cache: Cache) -> set[str]:
    return {path.name for path in cache.folder.iterdir()}


def test_an_entry_is_made_once_and_found_again(cache):
    assert cache.find("a") is None
    assert cache.keep("a", filled(5)).path.joinpath("content").read_bytes() == b"xxxxx"
    found = cache.keep("a", lambda _: pytest.fail("made twice"))
    assert found.path == cache.find("a").path == cache.folder / "a"
    assert names(cache) == {"a"}


def test_what_is_half_written_is_never_seen(cache):
    def torn(folder: Path) -> None:
        (folder / "content").write_bytes(b"half")
        assert cache.find("a") is None
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.keep("a", torn)
    assert names(cache) == set()


def test_a_full_disk_is_a_warning_and_nothing_more(tmp_path):
    said: list[str] = []
    cache = Cache(tmp_path, warn=said.append)

    def full(folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    assert cache.keep("a", full) is None
    assert "the disk is full" in said[0]
    assert names(cache) == set()


def test_a_folder_that_cannot_be_made_is_a_warning_too(tmp_path):
    said: list[str] = []
    (tmp_path / "file").touch()
    assert Cache(tmp_path / "file" / "cache", warn=said.append).keep("a", filled(1)) is None
    assert len(said) == 1


def test_what_was_used_longest_ago_is_dropped_first(cache):
    for key in "abc":
        keep(cache, key, 30)
    assert cache.find("a")
    time.sleep(0.01)
    keep(cache, "d", 30)
    assert names(cache) == {"a", "c", "d"}


def test_what_is_read_is_not_dropped(cache):
    keep(cache, "a", 60)
    held = cache.find("a")
    keep(cache, "b", 60)
    assert names(cache) == {"a", "b"}
    del held
    keep(cache, "c", 60)
    assert names(cache) == {"c"}


def test_what_another_process_reads_is_not_dropped(cache):
    keep(cache, "a", 60)
    code = (
        "import sys; from pathlib import Path; from studio.run.study.caches import Cache\n"
        "held = Cache(Path(sys.argv[1])).find('a'); print(held.path, flush=True); sys.stdin.read()"
    )
    reader = subprocess.Popen(
        [sys.executable, "-c", code, str(cache.folder)], cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert reader.stdout.readline()
    keep(cache, "b", 60)
    assert names(cache) == {"a", "b"}
    reader.communicate()
    keep(cache, "c", 60)
    assert names(cache) == {"c"}


def test_drafts_of_the_dead_are_cleared_away_and_those_of_the_living_are_not(cache):
    keep(cache, "a")
    old, young = cache.folder / ".new-old", cache.folder / ".new-young"
    for draft in (old, young):
        draft.mkdir()
        (draft / "in-use").touch()
    os.utime(old, (1, 1))
    keep(cache, "b")
    assert names(cache) == {"a", "b", ".new-young"}


def test_two_that_make_the_same_entry_do_not_meet(cache):
    def slow(folder: Path) -> None:
        filled(3)(folder)
        assert cache.keep("a", filled(3))

    assert cache.keep("a", slow).path == cache.folder / "a"
    assert names(cache) == {"a"}
