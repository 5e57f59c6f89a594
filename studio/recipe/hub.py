"""Models on the Hugging Face Hub: what an id looks like, and fetching one with an answer to each thing that goes wrong.

huggingface_hub is imported where it is needed only, because the page must open without it.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio.errors import StudioError
from studio.recipe.model_folder import check_config, check_folder

Progress = Callable[[int, int], None]  # bytes so far, bytes in all (may grow while files are being listed)

WANTED = ["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt"]  # never *.py, never pickles
UNWANTED = ["*/*", "consolidated*"]  # other formats of the same weights: original/, onnx/, Mistral's own
WRITING = "Reconstructing"  # how huggingface_hub calls the one of its two byte bars that counts what is on the disk
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
MAY_NOT_WRITE = (errno.EACCES, errno.EPERM, errno.EROFS)


def is_hub_id(text: str) -> bool:
    """Whether `text` has the form of a model's id on the Hub, `owner/name`."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(text)
    except HFValidationError:
        return False
    return "/" in text


def download(model_id: str, on_progress: Progress | None = None) -> Path:
    """The folder with the newest version of a Hub model, fetched where the cache does not hold it.

    The settings come first, so that a model which cannot be used is refused before gigabytes are fetched. Without a
    network the cached copy is taken if it is whole.

    Raises:
        StudioError: it cannot be fetched or used, and what to do.
    """
    shown = f"{model_id} (on the Hub)"
    check_config(_snapshot(model_id, ["config.json", "adapter_config.json"], None), shown)
    folder = _snapshot(model_id, WANTED, on_progress)
    check_folder(folder, shown)
    return folder


def _snapshot(model_id: str, wanted: list[str], on_progress: Progress | None) -> Path:
    import huggingface_hub

    options: dict[str, Any] = {"tqdm_class": _progress_bar(on_progress)} if on_progress else {}
    try:
        folder = huggingface_hub.snapshot_download(model_id, allow_patterns=wanted, ignore_patterns=UNWANTED, **options)
    except Exception as error:
        raise StudioError(_in_words(model_id, error)) from error
    return Path(folder)


def _in_words(model_id: str, error: BaseException) -> str:
    """What went wrong, for the person who pressed Train."""
    from huggingface_hub import errors

    if isinstance(error, errors.LocalEntryNotFoundError):  # the cache did not help; why the Hub did not is its cause
        return _in_words(model_id, error.__cause__) if error.__cause__ else _offline(model_id)
    if isinstance(error, errors.GatedRepoError):
        return (
            f"{model_id} is gated: its makers want their licence accepted first. Accept it at "
            f"https://huggingface.co/{model_id}, set HF_TOKEN to a token of that account (or run `hf auth login`), "
            "and try again."
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            f"There is no model {model_id} on the Hub that you may see. Check the spelling at "
            f"https://huggingface.co/{model_id}; for a private model set HF_TOKEN (or run `hf auth login`)."
        )
    if isinstance(error, errors.DisabledRepoError):
        return f"The model {model_id} has been disabled on the Hub. Choose another model."
    if isinstance(error, errors.HfHubHTTPError):
        return _refused(model_id, error.response.status_code)
    if isinstance(error, errors.OfflineModeIsEnabled):
        return _offline(model_id, "HF_HUB_OFFLINE is set; unset it, or choose")
    if isinstance(error, OSError) and (words := _disk(model_id, error)):
        return words
    if isinstance(error, _network_errors()):
        return _offline(model_id)
    return f"{model_id} could not be fetched ({type(error).__name__}: {error!s:.200}). Try again, or choose another."


def _refused(model_id: str, status: int) -> str:
    if status == 429:
        return (
            f"The Hub refuses {model_id} for now, because too many requests came from here (429). Wait a few minutes, "
            "or set HF_TOKEN (or run `hf auth login`): who is signed in may ask more often."
        )
    if status in (401, 403):
        return (
            f"The Hub refuses {model_id} to this token ({status}). Use a token with read access, for a gated model one "
            "that may read gated repositories, in HF_TOKEN or by `hf auth login`."
        )
    if status >= 500:
        return f"The Hub has trouble ({status}), and no whole copy of {model_id} is in the cache. Try again later."
    return f"The Hub answered {status} for {model_id}. Check the id at https://huggingface.co/{model_id}."


def _offline(model_id: str, advice: str = "Connect and try again (it goes on where it stopped), or choose") -> str:
    return (
        f"{model_id} has to be fetched, but the Hub cannot be reached, and no whole copy is in the cache. "
        f"{advice} a local folder or the bundled starter."
    )


def _disk(model_id: str, error: OSError) -> str | None:
    from huggingface_hub import constants

    cache = constants.HF_HUB_CACHE
    if error.errno in NO_SPACE:
        return (
            f"The disk is full, so {model_id} could not be fetched into {cache}. Free some space (`hf cache rm`), "
            "or set HF_HOME to a folder on a larger disk."
        )
    if error.errno in MAY_NOT_WRITE:
        return f"{model_id} cannot be stored in {cache} ({error.strerror}). Set HF_HOME to a folder that is yours."
    return None


def _network_errors() -> tuple[type[BaseException], ...]:
    import httpx2

    return (httpx2.HTTPError, ConnectionError, TimeoutError)


def _progress_bar(on_progress: Progress) -> type[Any]:
    """A tqdm class that shows nothing and passes on how many bytes have been written."""
    from tqdm.std import tqdm

    class Bytes(tqdm):  # type: ignore[misc]
        def update(self, n: float | None = 1) -> bool | None:
            moved: bool | None = super().update(n)
            if self.unit == "B" and self.desc.startswith(WRITING) and self.total:
                on_progress(int(self.n), int(self.total))
            return moved

        def display(self, *_: Any, **__: Any) -> bool:
            return True

        def close(self) -> None:
            self.leave = False
            super().close()

    return Bytes
