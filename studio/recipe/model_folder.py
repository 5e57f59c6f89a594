"""A folder with a base model: whether it is whole and safe to load, and what can be told of it without loading it."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from studio.errors import StudioError
from studio.recipe.safetensors_header import Tensor, TornHeader, read_header

LARGEST_JSON_BYTES = 50_000_000  # a shard index or a tokenizer's settings; a config is about 1 kB
LONGEST_CONTEXT = 100_000_000
ONE_FILE = "model.safetensors"
INDEX = "model.safetensors.index.json"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
TOKENIZERS = (("tokenizer.json",), ("tokenizer.model",), ("vocab.json", "merges.txt"), ("vocab.txt",))
CONTEXT_KEYS = ("max_position_embeddings", "n_positions", "max_sequence_length")
HIDDEN_KEYS = ("hidden_size", "n_embd", "d_model", "dim")
INNER_KEYS = ("intermediate_size", "n_inner", "ffn_dim", "hidden_dim")
ENCODERS = (
    "albert bert big_bird camembert convbert data2vec-text deberta deberta-v2 distilbert electra ernie esm eurobert "
    "flaubert fnet funnel gte ibert longformer luke megatron-bert mobilebert modernbert mpnet mra nomic_bert "
    "nystromformer rembert roberta roberta-prelayernorm roc_bert roformer squeezebert xlm xlm-roberta xlm-roberta-xl "
    "xmod yoso"
)  # model types, parted by blanks
WRITERS = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")  # how the architectures that write are named
DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}


ModelKind = Literal["decoder", "encoder", "encoder-decoder", "unknown"]
"""A decoder writes token by token, an encoder reads a whole text at once, an encoder-decoder turns one into another."""


@dataclass(frozen=True)
class ModelFacts:
    """What a model folder says of itself.

    `parameters` counts the stored weights, `bytes` is what they take in the files, `dtype` is the precision that most
    of them have, `context` the longest text in tokens (None: it does not say).
    """

    parameters: int
    bytes: int
    dtype: str
    architecture: str
    context: int | None
    has_chat_template: bool
    kind: ModelKind = "unknown"


@dataclass(frozen=True)
class Widths:
    """How wide a model's layers are: what passes from one to the next, and what is between an MLP's two products."""

    hidden: int
    inner: int


def facts(folder: Path) -> ModelFacts:
    """What the JSON headers in `folder` tell of the model; nothing of it is loaded.

    Raises:
        StudioError: the folder is not a whole model.
    """
    config = read_config(folder, str(folder))
    tensors = [tensor for file in _weight_files(folder, str(folder)) for tensor in _header(file).values()]
    items: Counter[str] = Counter()
    for tensor in tensors:
        items[tensor.dtype] += tensor.items
    most = items.most_common(1)[0][0]
    return ModelFacts(
        parameters=items.total(),
        bytes=sum(tensor.bytes for tensor in tensors),
        dtype=DTYPES.get(most, most.lower()),
        architecture=_architecture(config),
        context=_context(config),
        has_chat_template=_has_chat_template(folder),
        kind=model_kind(config),
    )


def model_kind(config: dict[str, Any]) -> ModelKind:
    """What sort of model a config.json describes, by its model type and the name of its architecture."""
    architecture = _architecture(config)
    writes = architecture.endswith(WRITERS)
    if config.get("is_encoder_decoder"):
        return "encoder-decoder"
    if config.get("model_type") in ENCODERS.split():
        return "decoder" if config.get("is_decoder") or writes else "encoder"
    if writes:
        return "decoder"
    if architecture.endswith("ForMaskedLM"):
        return "encoder"
    return (
        "decoder" if {"use_cache", "num_key_value_heads"} & (config.keys() | _text_part(config).keys()) else "unknown"
    )


def widths(folder: Path) -> Widths | None:
    """The widths of the layers of the model in `folder`; None where its config.json does not say them."""
    config = read_config(folder, str(folder))
    for part in (config, _text_part(config)):
        hidden = next((part[key] for key in HIDDEN_KEYS if type(part.get(key)) is int and part[key] > 0), 0)
        inner = next((part[key] for key in INNER_KEYS if type(part.get(key)) is int and part[key] > 0), 4 * hidden)
        if hidden:
            return Widths(hidden, inner)
    return None


def check_folder(folder: Path, shown: str) -> None:
    """Look whether `folder` holds a whole model that can be loaded without running code from it.

    Args:
        folder: where the model is.
        shown: what to call it in an error: the folder as it was typed, or the model's id.

    Raises:
        StudioError: what is missing, torn or unsafe, and what to choose instead.
    """
    if os.path.isfile(folder):  # unlike Path.is_file never an exception
        raise StudioError(f"You set the base model to {shown}, but that is a file. Name the folder that it lies in.")
    if not os.path.isdir(folder):
        raise StudioError(
            f"You set the base model to {shown}, but there is no such folder. "
            "Check the spelling, or choose a model of the catalogue."
        )
    if not os.access(folder, os.R_OK | os.X_OK):
        raise StudioError(f"You set the base model to {shown}, but you may not read it. Change its permissions.")
    check_config(folder, shown)
    for file in _weight_files(folder, shown):
        _header(file)
    if not any(all((folder / name).is_file() for name in names) for names in TOKENIZERS):
        raise StudioError(
            f"The model {shown} has no tokenizer (tokenizer.json or tokenizer.model). "
            "Copy the tokenizer files of the model that it was made from into the folder."
        )


def check_config(folder: Path, shown: str) -> None:
    """Look whether config.json describes a model that can be loaded without code of its own.

    Raises:
        StudioError: it is missing, unreadable, wants remote code, or describes weights that are already quantized.
    """
    config = read_config(folder, shown)
    if config.get("auto_map"):
        raise StudioError(
            f"The model {shown} brings program code of its own (auto_map in config.json), and the studio never runs "
            "code out of a model. Choose a model of an architecture that transformers has built in."
        )
    if not isinstance(config.get("model_type"), str) or not config["model_type"]:
        raise StudioError(
            f"The config.json of {shown} does not say its model_type, so nobody can tell what it is. "
            "Take the config.json of the model that it was made from."
        )
    if (quantization := _quantization(config)) is not None:
        raise StudioError(
            f"The model {shown} is already quantized ({quantization}), which changes its precision for good. "
            "Choose the original model; the method QLoRA quantizes it for training by itself."
        )


def read_config(folder: Path, shown: str) -> dict[str, Any]:
    """The folder's config.json. Raises StudioError where it is missing or holds no settings."""
    if (folder / "config.json").is_file():
        return _json(folder / "config.json")
    if (folder / "adapter_config.json").is_file():
        raise StudioError(f"{shown} is an adapter, not a base model. Choose the model that it was trained on.")
    if any(folder.glob("*.gguf")):
        raise StudioError(f"{shown} holds GGUF files, which are made for answering only. Choose the original model.")
    raise StudioError(
        f"The model {shown} has no config.json, so it is not in Hugging Face format. "
        "Choose a folder or a Hub model with config.json, *.safetensors and a tokenizer."
    )


def _weight_files(folder: Path, shown: str) -> list[Path]:
    if (folder / ONE_FILE).is_file():
        return [folder / ONE_FILE]
    if (folder / INDEX).is_file():
        return _shards(folder, shown)
    found = sorted(file.name for file in folder.iterdir() if file.is_file())
    if tensors := [name for name in found if name.endswith(".safetensors")]:
        raise StudioError(
            f"The weights of {shown} are in {tensors[0]}, where {ONE_FILE} or {INDEX} is looked for. "
            f"Rename the file to {ONE_FILE}, or copy the missing index."
        )
    if pickles := [name for name in found if name.endswith(PICKLES)]:
        raise StudioError(
            f"The weights of {shown} are pickled ({pickles[0]}), and opening such a file can run any program. "
            "Choose a copy with *.safetensors, or convert it: load it where you trust it, then "
            "`model.save_pretrained(FOLDER)`."
        )
    raise StudioError(
        f"The model {shown} has no weights (no *.safetensors file). Copy the weights into the folder, "
        "or choose another model."
    )


def _shards(folder: Path, shown: str) -> list[Path]:
    weight_map = _json(folder / INDEX).get("weight_map")
    names = sorted({str(name) for name in weight_map.values()}) if isinstance(weight_map, dict) else []
    if not names or any(Path(name).name != name or not name.endswith(".safetensors") for name in names):
        raise StudioError(f"The {INDEX} of {shown} does not list its files. Copy the index again.")
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise StudioError(
            f"The model {shown} is not whole: {', '.join(missing[:3])} is missing "
            f"({len(missing)} of {len(names)} files). Copy or download it again."
        )
    return [folder / name for name in names]


def _header(file: Path) -> dict[str, Tensor]:
    try:
        return read_header(file)
    except TornHeader as error:
        raise StudioError(f"The file {file} {error}. Copy or download it again.") from None
    except OSError as error:
        raise StudioError(f"The file {file} cannot be read ({error.strerror}). Check its permissions.") from None


def _json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_JSON_BYTES:
            raise StudioError(f"The file {path} is over {LARGEST_JSON_BYTES // 10**6} MB, more than any model needs.")
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise StudioError(f"The file {path} cannot be read ({error.strerror}). Check its permissions.") from None
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise StudioError(f"The file {path} is torn or not JSON. Copy or download it again.")
    return content


def _text_part(config: dict[str, Any]) -> dict[str, Any]:
    """The settings of the language model, which a model that also sees keeps one level down."""
    inner = config.get("text_config")
    return inner if isinstance(inner, dict) else {}


def _quantization(config: dict[str, Any]) -> str | None:
    for part in (config, _text_part(config)):
        if settings := part.get("quantization_config"):
            return str(settings.get("quant_method", "unnamed"))[:40] if isinstance(settings, dict) else "unnamed"
    return None


def _architecture(config: dict[str, Any]) -> str:
    named = config.get("architectures")
    return str(named[0]) if isinstance(named, list) and named else str(config.get("model_type", "unknown"))


def _context(config: dict[str, Any]) -> int | None:
    for part in (config, _text_part(config)):
        for key in CONTEXT_KEYS:
            if type(length := part.get(key)) is int and 0 < length <= LONGEST_CONTEXT:
                return length
    return None


def _has_chat_template(folder: Path) -> bool:
    if (folder / "chat_template.jinja").is_file() or (folder / "chat_template.json").is_file():
        return True
    settings = folder / "tokenizer_config.json"
    return settings.is_file() and bool(_json(settings).get("chat_template"))
