"""F22: a download that is cut, refused for a while, or impossible: it goes on where it ended, and no half is used."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from studio.errors import StudioError
from studio.recipe.models import fetch, locate
from tests.faults.model_hub import REVISION, ModelHub, serving

ID = "owner/tiny"
WEIGHTS = "model.safetensors"
PIECE = 4096  # bytes that are written at once; huggingface_hub takes 10 MB
CUT = 50 * PIECE  # bytes until the connection ends


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What anybody waited, in seconds; nobody really does."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


@pytest.fixture
def hub(tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> Iterator[ModelHub]:
    with serving(ID, {path.name: path.read_bytes() for path in tiny_base.iterdir()}) as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.address)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.address + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", PIECE)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        yield hub


def in_snapshot(tmp_path: Path) -> set[str]:
    """The files that a reader of the cache would find."""
    return {path.name for path in (tmp_path / "hub" / "models--owner--tiny" / "snapshots" / REVISION).iterdir()}


def test_a_cut_download_goes_on_where_it_ended_and_its_half_is_never_used(
    hub: ModelHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = len(hub.files[WEIGHTS])
    hub.cut_at = CUT
    with pytest.raises(StudioError, match=r"owner/tiny has to be fetched.*goes on where it stopped"):
        fetch(locate(ID))
    assert hub.sent[WEIGHTS] == CUT
    assert WEIGHTS not in in_snapshot(tmp_path)
    with monkeypatch.context() as offline:
        offline.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
        with pytest.raises(StudioError, match="no whole copy is in the cache"):
            fetch(locate(ID))
    hub.cut_at = None
    told: list[tuple[int, int]] = []
    folder = fetch(locate(ID), lambda done, of: told.append((done, of)))
    assert (folder / WEIGHTS).read_bytes() == hub.files[WEIGHTS]
    assert hub.sent[WEIGHTS] == size, "no byte was sent twice"
    assert told[0][0] == CUT + PIECE
    assert (size, size) in told


def test_a_whole_copy_needs_no_network(hub: ModelHub, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fetch(locate(ID))
    sent = hub.sent[WEIGHTS]
    assert fetch(locate(ID)) == folder
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert fetch(locate(ID)) == folder
    assert hub.sent[WEIGHTS] == sent


def test_a_hub_that_says_wait_is_waited_for_as_long_as_it_says(hub: ModelHub, waits: list[float]) -> None:
    hub.refusals = 2
    folder = fetch(locate(ID))
    assert (folder / WEIGHTS).read_bytes() == hub.files[WEIGHTS]
    assert [wait for wait in waits if wait >= 7] == [8, 8]


def test_a_hub_that_says_wait_for_ever_is_told_with_what_to_do(hub: ModelHub, tmp_path: Path) -> None:
    hub.refusals = 10**6
    with pytest.raises(StudioError, match=r"too many requests came from here \(429\)\. Wait a few minutes"):
        fetch(locate(ID))
    assert WEIGHTS not in in_snapshot(tmp_path)


def test_a_half_that_was_damaged_is_fetched_anew(hub: ModelHub, tmp_path: Path) -> None:
    hub.cut_at = CUT
    with pytest.raises(StudioError):
        fetch(locate(ID))
    hub.cut_at = None
    (half,) = (tmp_path / "hub").rglob("*.incomplete")
    half.write_bytes(bytes(half.stat().st_size))
    with pytest.raises(StudioError, match=r"model\.safetensors of owner/tiny was damaged on its way.*Try again"):
        fetch(locate(ID))
    assert WEIGHTS not in in_snapshot(tmp_path)
    assert (fetch(locate(ID)) / WEIGHTS).read_bytes() == hub.files[WEIGHTS]
