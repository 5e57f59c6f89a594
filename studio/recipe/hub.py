"""Models on the Hugging Face Hub: fetching one, with an answer to each thing that goes wrong.

huggingface_hub is imported where it is needed only, because the page must open without it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio.data.hub.words import Wanted, in_words
from studio.errors import StudioError
from studio.recipe.hub_weights import fetch_weights, missing_weights
from studio.recipe.model_folder import check_config, check_folder

Progress = Callable[[int, int], None]  # bytes so far, bytes in all (may grow while files are being listed)

WANTED = ["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt"]  # never *.py, never pickles
TOKENIZER = ["*token*.json", "*.jinja", "*.model", "vocab*", "merges.txt", "config.json"]
UNWANTED = ["*/*", "consolidated*"]  # other formats of the same weights: original/, onnx/, Mistral's own
WRITING = "Reconstructing"  # how huggingface_hub calls the one of its two byte bars that counts what is on the disk


def download(model_id: str, on_progress: Progress | None = None) -> Path:
    """The folder with the newest version of a Hub model, fetched where the cache does not hold it.

    The settings come first, so that a model which cannot be used is refused before gigabytes are fetched. Without a
    network the cached copy is taken if it is whole.

    Raises:
        StudioError: it cannot be fetched or used, and what to do.
    """
    shown = f"{model_id} (on the Hub)"
    check_config(_snapshot(model_id, ["config.json", "adapter_config.json"], None), shown)
    folder = _snapshot(model_id, WANTED, _after_weights(model_id, on_progress))
    check_folder(folder, shown)
    return folder


def download_tokenizer(model_id: str) -> Path:
    """The folder with a Hub model's tokenizer and without its weights. Raises StudioError as `download` does."""
    check_config(_snapshot(model_id, ["config.json", "adapter_config.json"], None), f"{model_id} (on the Hub)")
    return _snapshot(model_id, TOKENIZER, None)


def _after_weights(model_id: str, on_progress: Progress | None) -> Progress | None:
    """Fetch what the cache lacks of the weights, and return how to tell of the files that come after them."""
    missing = missing_weights(model_id, WANTED, UNWANTED)
    try:
        fetch_weights(missing, on_progress)
    except StudioError:
        raise
    except Exception as error:
        raise StudioError(in_words(Wanted(model_id, "model"), error)) from error
    have = sum(weights.size for weights in missing)
    return on_progress and (lambda done, of: on_progress(have + done, have + of))


def _snapshot(model_id: str, wanted: list[str], on_progress: Progress | None) -> Path:
    import huggingface_hub

    options: dict[str, Any] = {"tqdm_class": _progress_bar(on_progress)} if on_progress else {}
    try:
        folder = huggingface_hub.snapshot_download(model_id, allow_patterns=wanted, ignore_patterns=UNWANTED, **options)
    except Exception as error:
        raise StudioError(in_words(Wanted(model_id, "model"), error)) from error
    return Path(folder)


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
