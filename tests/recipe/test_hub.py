"""Fetching from the Hub: every failure that huggingface_hub knows becomes an advice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import huggingface_hub
import pytest
from huggingface_hub import errors

from studio.errors import StudioError
from studio.recipe import hub as hub_module
from studio.recipe.models import fetch, locate
from tests.recipe.tiny_model import CONFIG, safetensors

ID = "owner/name"


@pytest.fixture(autouse=True)
def nothing_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights come with the other files. How they are gone on with: tests/faults/test_f22_download.py."""
    monkeypatch.setattr(hub_module, "missing_weights", lambda *_: [])


def refused(kind: type[errors.HfHubHTTPError], status: int) -> errors.HfHubHTTPError:
    request = httpx2.Request("GET", f"https://huggingface.co/api/models/{ID}")
    return kind(f"{status} Client Error", response=httpx2.Response(status, request=request))


def because(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def not_cached(cause: Exception | None = None) -> Exception:
    error = errors.LocalEntryNotFoundError("not in the cache")
    return because(error, cause) if cause else error


FAILURES: list[tuple[Exception, str]] = [
    (refused(errors.GatedRepoError, 403), "Accept it at https://huggingface.co/owner/name, set HF_TOKEN"),
    (refused(errors.RepositoryNotFoundError, 401), "Check the spelling"),
    (refused(errors.DisabledRepoError, 403), "disabled on the Hub"),
    (refused(errors.HfHubHTTPError, 403), "may read gated repositories"),
    (refused(errors.HfHubHTTPError, 429), "Wait a few minutes"),
    (refused(errors.HfHubHTTPError, 418), "answered 418"),
    (not_cached(refused(errors.HfHubHTTPError, 429)), "Wait a few minutes"),
    (not_cached(refused(errors.HfHubHTTPError, 503)), "has trouble (503)"),
    (not_cached(httpx2.ConnectError("no route")), "cannot be reached"),
    (not_cached(errors.OfflineModeIsEnabled("offline")), "HF_HUB_OFFLINE is set"),
    (not_cached(), "cannot be reached"),
    (because(errors.IncompleteSnapshotError("half", snapshot_path="x"), httpx2.ConnectError("x")), "no whole copy"),
    (httpx2.ReadTimeout("slow"), "cannot be reached"),
    (httpx2.ProxyError("proxy"), "cannot be reached"),
    (OSError(28, "No space left on device"), "disk is full"),
    (PermissionError(13, "Permission denied"), "Set HF_HOME"),
    (RuntimeError("something new"), "RuntimeError: something new"),
]


@pytest.mark.parametrize(("failure", "words"), FAILURES, ids=lambda value: type(value).__name__)
def test_each_failure_says_what_to_do(monkeypatch: pytest.MonkeyPatch, failure: Exception, words: str):
    def fail(*_: Any, **__: Any) -> str:
        raise failure

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(StudioError, match=ID) as caught:
        fetch(locate(ID))
    assert words in str(caught.value)


class Hub:
    """A Hub that "downloads" out of a dict into a folder, and remembers what it was asked for."""

    def __init__(self, folder: Path, files: dict[str, bytes]) -> None:
        self.folder = folder
        self.files = files
        self.asked: list[list[str]] = []

    def snapshot_download(
        self,
        repo_id: str,
        *,
        allow_patterns: list[str],
        ignore_patterns: list[str],
        tqdm_class: Callable[..., Any] | None = None,
    ) -> str:
        from huggingface_hub.utils import filter_repo_objects

        chosen = list(filter_repo_objects(self.files, allow_patterns=allow_patterns, ignore_patterns=ignore_patterns))
        self.asked.append(chosen)
        self.folder.mkdir(exist_ok=True)
        for name in chosen:
            (self.folder / name).write_bytes(self.files[name])
        if tqdm_class:
            with tqdm_class(total=0, unit="B", desc="Reconstructing (incomplete total...)") as bar:
                bar.total = 100
                bar.update(40)
                bar.update(60)
            with tqdm_class(total=2, desc="Fetching 2 files") as bar:
                bar.update(1)
        return str(self.folder)


@pytest.fixture
def files() -> dict[str, bytes]:
    return {
        "config.json": json.dumps(CONFIG).encode(),
        "tokenizer.json": b"{}",
        "model.safetensors": safetensors({"a": ("F32", [2])}),
        "consolidated.safetensors": b"the same weights again",
        "original/consolidated.00.pth": b"a pickle",
        "original/params.json": b"{}",
        "onnx/model.safetensors": b"another copy",
        "pytorch_model.bin": b"a pickle",
        "modeling.py": b"code",
        "chat_template.jinja": b"",
    }


def hub_of(monkeypatch: pytest.MonkeyPatch, folder: Path, files: dict[str, bytes]) -> Hub:
    hub = Hub(folder, files)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", hub.snapshot_download)
    return hub


def test_only_safe_files_are_fetched_and_only_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: Any):
    hub = hub_of(monkeypatch, tmp_path / "snapshot", files)
    progress: list[tuple[int, int]] = []
    folder = fetch(locate(ID), lambda done, total: progress.append((done, total)))
    assert folder == tmp_path / "snapshot"
    assert hub.asked[0] == ["config.json"]
    assert sorted(hub.asked[1]) == ["chat_template.jinja", "config.json", "model.safetensors", "tokenizer.json"]
    assert progress == [(40, 100), (100, 100)]


def test_a_model_with_code_is_refused_before_its_weights_are_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: Any
):
    files["config.json"] = json.dumps(CONFIG | {"auto_map": {"AutoConfig": "x.Y"}}).encode()
    hub = hub_of(monkeypatch, tmp_path / "snapshot", files)
    with pytest.raises(StudioError, match="never runs code"):
        fetch(locate(ID))
    assert hub.asked == [["config.json"]]


def test_a_model_with_pickles_only_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: Any):
    files = {name: content for name, content in files.items() if not name.endswith(".safetensors")}
    hub_of(monkeypatch, tmp_path / "snapshot", files)
    with pytest.raises(StudioError, match=r"owner/name \(on the Hub\) has no weights"):
        fetch(locate(ID))


def test_a_folder_is_not_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: Any):
    hub = hub_of(monkeypatch, tmp_path / "snapshot", files)
    hub.snapshot_download(ID, allow_patterns=["*.json", "model.safetensors"], ignore_patterns=["*/*"])
    assert fetch(locate(str(tmp_path / "snapshot"))) == tmp_path / "snapshot"
    assert len(hub.asked) == 1
