"""The result of a run as a zip to take away: an adapter as PEFT loads it, or a whole model as transformers does.

Nothing in it tells of this machine.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from studio.data.division.mix import GENERAL
from studio.errors import StudioError
from studio.recipe.recipe import Recipe
from studio.run.directory import Run
from studio.run.manifest import NAME as SEAL
from studio.share.naming import PublicBase, bare_name, public_base
from studio.share.readme import Kept, readme
from studio.share.whole import written_whole

WEIGHTS = ".safetensors"
TEXTS = (".json", ".jinja", ".model", ".txt")
OF_ADAPTER = "adapter_config.json"
SETS = ("target_modules", "feedforward_modules", "modules_to_save")  # PEFT writes them in any order
KEPT_BACK = {"manifest.json", "base.json"}  # for this studio alone: digests of the files as they lie here
TELLTALE = ("name_or_path", "_name_or_path", "tokenizer_name_or_path", "tokenizer_file", "vocab_file", "merges_file",
            "special_tokens_map_file")  # fmt: skip
ANY_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip knows: the same result gives the same bytes


def zip_result(run: Run, to: Path) -> Path:
    """Write the result of `run` as a zip into the folder `to`, made where it is missing, and return its path.

    The zip is called after the run and what is in it, an adapter or a model. It is written elsewhere and renamed when
    whole; the same run gives the same bytes.

    Raises:
        StudioError: the run has no result, or the folder cannot be written to.
    """
    if run.result is None or not list(run.result.glob(f"*{WEIGHTS}")):
        raise StudioError(
            f"The run {run.name} has no result (yet), so there is nothing to take away. "
            "Wait until it has finished, or choose another run."
        )
    path = to / f"{run.name}-{run.result.name}.zip"
    with written_whole(path, run.result.name) as draft:
        write_zip(Kept.of(run, public_base(run.recipe.model.id)), run.result, draft)
    return path


def write_zip(kept: Kept, result: Path, path: Path) -> None:
    """Write the zip of a result that lies in the folder `result`. Raises OSError."""
    texts = _texts(kept, result)
    with ZipFile(path, "w") as archive:
        for name in sorted(texts):
            archive.writestr(_entry(name, ZIP_DEFLATED), texts[name])
        for weights in sorted(result.glob(f"*{WEIGHTS}")):
            entry = _entry(weights.name, ZIP_STORED)  # numbers hardly get smaller
            entry.file_size = weights.stat().st_size
            with weights.open("rb") as source, archive.open(entry, "w") as target:
                shutil.copyfileobj(source, target, 2**20)


def _texts(kept: Kept, result: Path) -> dict[str, bytes]:
    """All files but the weights, by name."""
    texts = {
        path.name: path.read_bytes()
        for path in result.iterdir()
        if path.is_file() and path.suffix in TEXTS and path.name != SEAL
    }
    for name in [name for name in texts if name.endswith("config.json")]:
        settings = {key: value for key, value in json.loads(texts[name]).items() if key not in TELLTALE}
        if name == OF_ADAPTER:
            settings |= {"base_model_name_or_path": kept.base.name, "revision": None}
            settings |= {key: sorted(names) for key, names in settings.items() if key in SETS and type(names) is list}
        texts[name] = _as_json(settings)
    texts["recipe.yaml"] = public_recipe(kept.recipe, kept.base).to_yaml().encode()
    texts["README.md"] = readme(kept).encode()
    return texts


def public_recipe(recipe: Recipe, base: PublicBase) -> Recipe:
    """The recipe with file names in place of this machine's paths."""
    data: dict[str, Any] = {
        key: bare_name(path) if (path := getattr(recipe.data, key)) else "" for key in ("path", "held_out_path")
    }
    data["mix"] = tuple(mix.model_copy(update={"path": _public(mix.path)}) for mix in recipe.data.mix)
    return recipe.model_copy(
        update={
            "model": recipe.model.model_copy(update={"id": base.name}),
            "data": recipe.data.model_copy(update=data),
            "looks": recipe.looks.model_copy(update={"own_probes": _public(recipe.looks.own_probes)}),
        }
    )


def _public(path: str) -> str:
    """A path that any checkout of the studio has, or a dataset of the Hub, as it is; of any other its last part."""
    return path if not path or path == GENERAL or "://" in path else bare_name(path)


def _as_json(tree: dict[str, Any]) -> bytes:
    return (json.dumps(tree, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _entry(name: str, compression: int) -> ZipInfo:
    entry = ZipInfo(name, ANY_TIME)
    entry.compress_type = compression
    entry.create_system = 3  # Unix, wherever it is written
    entry.external_attr = 0o644 << 16
    return entry
