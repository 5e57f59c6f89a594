"""What a base model is called outside this machine, so that nothing given away tells of the machine's folders."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from studio.data.hub.words import is_hub_id
from studio.home import STARTER
from studio.recipe.models import STARTER_ID


@dataclass(frozen=True)
class PublicBase:
    """A base model as others can find it: an id on the Hub, or a bare name and words on where it is."""

    name: str
    where: str
    on_hub: bool = False


def public_base(model_id: str) -> PublicBase:
    """The public name of the base that a recipe calls `model_id`."""
    if model_id.strip() == STARTER_ID:
        digest = hashlib.sha256((STARTER / "model.safetensors").read_bytes()).hexdigest()
        where = f"the folder `assets/starter` of the Atelier studio. SHA-256 of its `model.safetensors`: `{digest}`"
        return PublicBase(STARTER_ID, where)
    if is_hub_id(model_id) and not Path(model_id).expanduser().exists():
        return PublicBase(model_id, f"<https://huggingface.co/{model_id}>", on_hub=True)
    where = "a folder on the machine that trained this. Ask whoever gave it to you"
    if (Path(model_id).parent / "recipe.yaml").is_file():  # the result of another run
        return PublicBase(f"{Path(model_id).parent.name}-{bare_name(model_id)}", where)
    return PublicBase(bare_name(model_id), where)


def bare_name(path: str) -> str:
    """The last part of a path, whichever slashes it has."""
    return PureWindowsPath(path).name or "base"
