"""Which base an adapter was made for, so that it is never put on another one without a word."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from studio.errors import StudioError
from studio.recipe.model_folder import read_config
from studio.recipe.safetensors_header import Tensor, TornHeader, read_header

MARK = "base.json"
LOOKS, LOOK = 64, 4096  # places of a weight file that are looked at, and bytes at each: tuning moves every weight
ADAPTED = re.compile(r"^base_model\.model\.(?P<module>.+)\.lora_(?P<side>[AB])\.weight$")
OFTEN_ABSENT = ("lm_head", "score", "classifier")  # heads that are tied or new, so no file of the base has them


class BaseMark(BaseModel):
    """A base model: its name, sizes, and a digest of samples of its weight files."""

    model_config = ConfigDict(frozen=True)
    name: str
    hidden_size: int | None = None
    vocabulary: int | None = None
    digest: str = ""

    def __str__(self) -> str:
        sizes = [f"hidden size {self.hidden_size:,}"] if self.hidden_size else []
        sizes += [f"vocabulary {self.vocabulary:,}"] if self.vocabulary else []
        told = [*sizes, f"weights {self.digest[:8]}"] if self.digest else sizes
        return f"{self.name} ({', '.join(told)})"


def mark_of(base: Path, name: str) -> BaseMark:
    """The mark of the model in the folder `base`, which a recipe calls `name`.

    Raises:
        StudioError: the folder has no readable config.json.
        OSError: its weights cannot be read.
    """
    config = read_config(base, name)
    text = config.get("text_config")
    sizes = {key: _size(config, key) or (_size(text, key) if isinstance(text, dict) else None)
             for key in ("hidden_size", "vocab_size")}  # fmt: skip
    return BaseMark(
        name=Path(name).name if Path(name).is_absolute() else name,
        hidden_size=sizes["hidden_size"],
        vocabulary=sizes["vocab_size"],
        digest=_digest(base),
    )


def mark_base(adapter: Path, base: Path, name: str) -> None:
    """Write into an adapter's folder for which base it is. Where the base is gone by now, the adapter goes without.

    Raises OSError where the mark cannot be written.
    """
    try:
        mark = mark_of(base, name)
    except (OSError, StudioError):
        return
    (adapter / MARK).write_text(mark.model_dump_json(indent=1), "utf-8")


def refuse_other_base(adapter: Path, base: Path, run: str, name: str) -> None:
    """Raise StudioError, naming both, where the adapter of `run` was made for another base than the one in `base`.

    An adapter without a mark is judged by the shapes of its weights.
    """
    if not base.is_dir():
        raise StudioError(
            f"The base {name} of {run} is no longer at {base}. Put the folder back, or train again on another base."
        )
    try:
        known, found = _read_mark(adapter), mark_of(base, name)
        if known is None and (reason := _misfit(adapter, base)):
            raise StudioError(
                f"The adapter of {run} does not fit its base: it was made for {_named_in(adapter)}, and is to be put "
                f"on {found}, where {reason}. Set the run's model.id to the base that it was trained on."
            )
    except OSError as error:
        raise StudioError(
            f"The base {name} of {run} cannot be read ({error.strerror}). Look whether its folder is still there."
        ) from error
    if known is not None and known.digest != found.digest:
        raise StudioError(
            f"The adapter of {run} was made for {known}, and its base is now {found}. An adapter fits only the very "
            "weights that it was trained on: put that base back, or train again on this one."
        )


def _size(config: dict[str, object], key: str) -> int | None:
    value = config.get(key)
    return value if type(value) is int and value > 0 else None


def _digest(base: Path) -> str:
    """Of the headers and of samples of all weights: it takes milliseconds, whatever the size of the model."""
    digest = hashlib.sha256()
    for path in sorted(base.glob("*.safetensors")):
        size = path.stat().st_size
        digest.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as file:
            for place in range(LOOKS):
                file.seek(size * place // LOOKS)
                digest.update(file.read(LOOK))
    return digest.hexdigest()


def _read_mark(adapter: Path) -> BaseMark | None:
    try:
        return BaseMark.model_validate_json((adapter / MARK).read_bytes())
    except (FileNotFoundError, ValueError):  # of a former version of the studio, or not the studio's
        return None


def _named_in(adapter: Path) -> str:
    try:
        return Path(str(_settings(adapter).get("base_model_name_or_path") or "another base")).name
    except (OSError, ValueError):
        return "another base"


def _settings(adapter: Path) -> dict[str, object]:
    """The settings of an adapter. Raises OSError and ValueError."""
    settings = json.loads((adapter / "adapter_config.json").read_text("utf-8"))
    return settings if isinstance(settings, dict) else {}


def _misfit(adapter: Path, base: Path) -> str:
    """Where low-rank matrices do not fit the layers they are for, as the end of a sentence; empty where they do."""
    try:
        weights = {name: tensor for file in base.glob("*.safetensors") for name, tensor in read_header(file).items()}
        matrices = read_header(adapter / "adapter_model.safetensors")
    except (OSError, TornHeader):
        return ""  # damaged, which is said where it is loaded
    known, unknown = 0, ""
    for name, tensor in matrices.items():
        if not (found := ADAPTED.match(name)):
            continue
        module = found["module"]
        weight = weights.get(f"{module}.weight")
        if weight is None:
            unknown = unknown or ("" if module.endswith(OFTEN_ABSENT) else module)
        elif not _fits(tensor, weight, found["side"]):
            return f"{module} has the shape {'×'.join(map(str, weight.shape))}"
        else:
            known += 1
    return f"there is no {unknown}" if known and unknown else ""


def _fits(matrix: Tensor, weight: Tensor, side: str) -> bool:
    """A reads what goes into a layer, B writes what comes out; the base's matrix may lie either way round."""
    return len(matrix.shape) != 2 or matrix.shape[1 if side == "A" else 0] in weight.shape
