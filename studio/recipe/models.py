"""Which base model is meant: the bundled starter, one of the catalogue, one on the Hub, or a local folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field

from studio.data.hub.words import is_hub_id
from studio.errors import StudioError
from studio.home import PRESETS, STARTER
from studio.recipe.hub import Progress, download, download_tokenizer
from studio.recipe.model_folder import ModelFacts, ModelKind, check_folder, facts

__all__ = ["BaseModelCard", "Located", "ModelFacts", "catalogue", "facts", "fetch", "fetch_tokenizer", "locate"]

STARTER_ID = "starter"
CATALOGUE = PRESETS / "models.yaml"
LONGEST_ID = 1000
HUB_ADDRESSES = ("https://huggingface.co/", "http://huggingface.co/", "huggingface.co/", "https://hf.co/", "hf.co/")


class BaseModelCard(BaseModel):
    """One model of the catalogue, as `presets/models.yaml` describes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    name: str = Field(min_length=1)
    parameters: int = Field(gt=0)
    licence: str = Field(min_length=1)
    gated: bool
    instruct: bool
    context: int = Field(gt=0)
    good_for: str = Field(min_length=1)
    learning_rate: float = Field(gt=0, lt=1)
    kind: ModelKind = "decoder"

    @property
    def size(self) -> str:
        """The number of weights in words, such as "135 M" or "1.2 B"."""
        if self.parameters >= 999_500_000:
            return f"{self.parameters / 1e9:.1f} B"
        return f"{self.parameters / 1e6:.0f} M"


@dataclass(frozen=True)
class Located:
    """A base model that was found, or that has the form of one on the Hub.

    `folder` is None where it has to be fetched first; `card` is None where the catalogue does not know it.
    """

    id: str
    folder: Path | None
    card: BaseModelCard | None


@cache
def catalogue() -> tuple[BaseModelCard, ...]:
    """The models of `presets/models.yaml`, the bundled starter first."""
    entries = yaml.safe_load(CATALOGUE.read_text("utf-8"))
    return tuple(BaseModelCard.model_validate(entry) for entry in entries)


def locate(model_id: str) -> Located:
    """Find the base model that `model_id` names: `starter`, a local folder, or `owner/name` on the Hub.

    Nothing is fetched. A folder that exists is taken before a Hub model of the same name.

    Raises:
        StudioError: it names nothing, or a folder that is not a whole and safe model.
    """
    text = model_id.strip()
    if text == STARTER_ID:
        check_folder(STARTER, "starter (bundled with the studio)")
        return Located(STARTER_ID, STARTER, _card(STARTER_ID))
    if not text or len(text) > LONGEST_ID or "\0" in text:
        raise StudioError(f"No base model is named. {_choices()}")
    if (address := next((a for a in HUB_ADDRESSES if text.startswith(a)), None)) is not None:
        name = "/".join(text.removeprefix(address).split("/")[:2])
        raise StudioError(f"You set the base model to the address of a page. Set it to the id alone: {name:.100}")
    if (folder := _as_folder(text)) is not None:
        check_folder(folder, text)
        return Located(str(folder), folder, None)
    if not is_hub_id(text):
        raise StudioError(
            f"You set the base model to {text!r:.100}, but there is no such folder, and an id on the Hub has the form "
            f"owner/name. {_choices()}"
        )
    card = _card(text)
    return Located(card.id if card else text, None, card)


def fetch(located: Located, on_progress: Progress | None = None) -> Path:
    """The folder with the model's files, downloaded from the Hub where that is needed.

    Args:
        located: what `locate` found.
        on_progress: called with bytes so far and bytes in all, from the threads that download.

    Raises:
        StudioError: it cannot be downloaded (gated, missing, no network, no space, ...) or used, and what to do.
    """
    return located.folder or download(located.id, on_progress)


def fetch_tokenizer(located: Located) -> Path:
    """The folder with the model's tokenizer, fetched without the weights where it is on the Hub.

    Raises:
        StudioError: it cannot be downloaded, and what to do.
    """
    return located.folder or download_tokenizer(located.id)


def _as_folder(text: str) -> Path | None:
    """The folder that `text` means; None where it can only be an id on the Hub."""
    try:
        path = Path(text).expanduser()
        if path.exists():
            return path.resolve()
    except (OSError, RuntimeError):  # a name that is too long, a user who does not exist
        path = Path(text)
    is_path = text.startswith((".", "~", "/")) or "\\" in text or text.count("/") > 1
    return path.absolute() if is_path else None


def _card(model_id: str) -> BaseModelCard | None:
    """The catalogue's entry, whatever the case of the letters: the Hub does not tell them apart either."""
    return next((card for card in catalogue() if card.id.casefold() == model_id.casefold()), None)


def _choices() -> str:
    return "Set it to `starter`, to an id such as Qwen/Qwen3-0.6B, or to the path of a model folder."
