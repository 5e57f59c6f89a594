"""The weights of a Hub model, fetched into the Hub's own cache so that a cut download goes on where it ended.

huggingface_hub (read in 2.4.0) keeps whole files, but throws a half one away: of a file of gigabytes every cut would
cost all. What is fetched here lies in the cache under the name that huggingface_hub looks for, if its digest is right.
"""

from __future__ import annotations

import fcntl
import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from studio.errors import StudioError

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

Progress = Callable[[int, int], None]  # bytes so far, bytes in all

AT_ONCE = 4  # files fetched side by side


@dataclass(frozen=True)
class Weights:
    """One file of weights: where it is on the Hub, what it must be, and its place in the cache."""

    model_id: str
    name: str
    address: str
    size: int
    sha256: str
    blob: Path

    @property
    def half(self) -> Path:
        """What was fetched of it before it was whole."""
        return self.blob.with_name(f"{self.blob.name}.incomplete")

    def have(self) -> int:
        """Bytes that are here already."""
        with suppress(FileNotFoundError):
            return self.half.stat().st_size
        return 0


def missing_weights(model_id: str, wanted: Sequence[str], unwanted: Sequence[str]) -> list[Weights]:
    """The large files of the newest version of a model that the cache does not hold.

    None where the Hub does not answer or refuses: whoever asks it next is told why, or finds a whole copy in the cache.
    """
    from huggingface_hub import HfApi

    try:
        info = HfApi().model_info(model_id, files_metadata=True)
    except Exception:
        return []
    return [each for each in _weights(info, wanted, unwanted) if not each.blob.exists()]


def fetch_weights(missing: Sequence[Weights], on_progress: Progress | None = None) -> None:
    """Fetch them, each from where it was cut before.

    Raises:
        StudioError: what came is not what the Hub promised.
        Exception: whatever huggingface_hub raises of networks, refusals and disks. What came stays for the next time.
    """
    count = _Count(missing, on_progress)
    with ThreadPoolExecutor(AT_ONCE) as several:
        list(several.map(partial(_fetch, count=count), missing))


def _weights(info: ModelInfo, wanted: Sequence[str], unwanted: Sequence[str]) -> list[Weights]:
    from huggingface_hub import constants, hf_hub_url
    from huggingface_hub.file_download import repo_folder_name
    from huggingface_hub.utils import filter_repo_objects

    large = {each.rfilename: each.lfs for each in info.siblings or () if each.lfs is not None}
    blobs = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=info.id, repo_type="model") / "blobs"
    return [
        Weights(
            model_id=info.id,
            name=name,
            address=hf_hub_url(info.id, name, revision=info.sha),
            size=large[name].size,
            sha256=large[name].sha256,
            blob=blobs / large[name].sha256,
        )
        for name in filter_repo_objects(large, allow_patterns=list(wanted), ignore_patterns=list(unwanted))
    ]


class _Count:
    """How many bytes of all files are here, told as they come."""

    def __init__(self, files: Sequence[Weights], tell: Progress | None) -> None:
        self._lock = threading.Lock()
        self._done, self._of = sum(each.have() for each in files), sum(each.size for each in files)
        self._tell = tell

    def add(self, more: int) -> None:
        with self._lock:
            self._done += more
            if self._tell is not None:
                self._tell(min(self._done, self._of), self._of)


class _Counted:
    """The file that is written, for huggingface_hub, with its bytes counted."""

    def __init__(self, file: BinaryIO, count: _Count) -> None:
        self._file, self._count = file, count
        self.seek, self.tell, self.truncate = file.seek, file.tell, file.truncate

    def write(self, chunk: bytes) -> int:
        self._count.add(len(chunk))
        return self._file.write(chunk)


def _fetch(weights: Weights, count: _Count) -> None:
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    weights.blob.parent.mkdir(parents=True, exist_ok=True)
    with weights.half.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # another process may be fetching the same
        if weights.blob.exists():
            return
        if weights.have() > weights.size:
            file.truncate(0)
        writes: Any = _Counted(file, count)
        http_get(
            weights.address,
            writes,
            resume_size=weights.have(),
            headers=build_hf_headers(),
            expected_size=weights.size,
            displayed_filename=weights.name,
            tqdm_class=_silent(),
        )
        file.flush()
        _keep(weights)


def _keep(weights: Weights) -> None:
    """Put a whole file where huggingface_hub looks for it, if it is what the Hub promised."""
    with weights.half.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != weights.sha256:
        weights.half.unlink()
        raise StudioError(
            f"{weights.name} of {weights.model_id} was damaged on its way here: its SHA-256 is not what the Hub says. "
            "Try again: it is fetched anew."
        )
    weights.half.rename(weights.blob)


def _silent() -> type[Any]:
    """A progress bar that shows nothing."""
    from tqdm.std import tqdm

    class Silent(tqdm):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **(options | {"disable": True}))

    return Silent
