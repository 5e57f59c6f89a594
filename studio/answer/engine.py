"""One base model in memory, and the adapters of several runs on it."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from peft import PeftConfig, PeftModel
from safetensors import SafetensorError
from transformers import GenerationConfig

from studio.answer.prompts import end_tokens
from studio.errors import StudioError
from studio.recipe.models import fetch, locate
from studio.recipe.recipe import ModelPart, Recipe
from studio.run.base import Precision, choose_precision, load_model
from studio.run.directory import Run
from studio.run.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from transformers import BitsAndBytesConfig, PreTrainedModel, PreTrainedTokenizerBase

MOST_ADAPTERS = 4  # kept on a base; the one that was not used for longest goes first

Notify = Callable[[str], None]


@dataclass(frozen=True)
class Voices:
    """A run's base and tuned model in one copy of the weights, ready to answer. `context` is in tokens.

    `adapter` is empty where a base model was asked for by itself; only the base may then speak.
    """

    model: PeftModel | PreTrainedModel
    adapter: str
    tokenizer: PreTrainedTokenizerBase
    ends: frozenset[int]
    pad: int
    context: int | None


class BaseKey(NamedTuple):
    """Two runs with equal keys can share the base in memory."""

    model_id: str
    weights: str
    quantization: str
    adapter_kind: str


class AdapterKey(NamedTuple):
    """An adapter in a folder, told apart from a later one in the same folder."""

    folder: str
    written: int


class Engine:
    """Loads what a question needs, and keeps it for the next one. For one thread."""

    def __init__(self) -> None:
        self._precisions: dict[str, Precision] = {}
        self._key: BaseKey | None = None
        self._model: PreTrainedModel | PeftModel | None = None
        self._ends_of_base: int | list[int] | None = None
        self._adapters: dict[AdapterKey, Voices] = {}  # in the order of their last use
        self._tokenizer: PreTrainedTokenizerBase | None = None  # of the base by itself
        self._made = 0

    def load(self, run: Run, notify: Notify = lambda note: None) -> Voices:
        """Base and adapter of `run`. The base is kept where the last run had the same one, else let go first.

        Raises:
            StudioError: the run has no adapter, or base, adapter or tokenizer cannot be loaded.
        """
        kind = _adapter_kind(run)
        precision = self._precision(run.recipe.training.precision)
        quantization = run.recipe.method.quantization(precision.compute)
        stored = quantization.to_json_string(use_diff=False) if quantization else ""
        key = BaseKey(run.recipe.model.id, str(precision.weights), stored, kind)
        self._require_base(key, run.recipe, precision, quantization, notify)
        return self._voices(run, notify)

    def load_base(self, model_id: str, notify: Notify = lambda note: None) -> Voices:
        """A base model by itself, kept where a run had the same one.

        Raises:
            StudioError: base or tokenizer cannot be loaded.
        """
        recipe = Recipe(model=ModelPart(id=model_id))
        precision = self._precision(recipe.training.precision)
        self._require_base(BaseKey(model_id, str(precision.weights), "", ""), recipe, precision, None, notify)
        if self._tokenizer is None:
            self._tokenizer, _ = load_tokenizer(fetch(locate(model_id)))
        assert self._model is not None
        return self._speaking(self._model, "", self._tokenizer)

    def release(self) -> None:
        """Let go of everything, and give the memory back."""
        self._key, self._model, self._tokenizer = None, None, None
        self._adapters.clear()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _precision(self, asked: str) -> Precision:
        """Chosen once: on a CPU it is measured, and another outcome would load the base again."""
        if asked not in self._precisions:
            usable = "float32" if asked == "float16" and not torch.cuda.is_available() else asked
            self._precisions[asked] = choose_precision(usable)
        return self._precisions[asked]

    def _require_base(
        self,
        key: BaseKey,
        recipe: Recipe,
        precision: Precision,
        quantization: BitsAndBytesConfig | None,
        notify: Notify,
    ) -> None:
        """Have the key's base in memory. One without adapters yet takes any kind, and adapters do not bar the base."""
        known = self._key
        if known is None or known[:3] != key[:3] or (known.adapter_kind and key.adapter_kind not in ("", known[3])):
            self.release()
            self._load_base(recipe, precision, quantization, notify)
            self._key = key
        elif not known.adapter_kind:
            self._key = key

    def _load_base(
        self, recipe: Recipe, precision: Precision, quantization: BitsAndBytesConfig | None, notify: Notify
    ) -> None:
        notify(f"Loading the base model {recipe.model.id} ...")
        model = load_model(fetch(locate(recipe.model.id)), precision, quantization)
        self._ends_of_base = model.generation_config.eos_token_id
        # Only what the page shows counts: no hidden top-k or penalty.
        model.generation_config = GenerationConfig()  # type: ignore[no-untyped-call]
        model.eval()  # type: ignore[no-untyped-call]
        self._model = model

    def _voices(self, run: Run, notify: Notify) -> Voices:
        key = AdapterKey(str(run.adapter), run.adapter.stat().st_mtime_ns)
        voices = self._adapters.pop(key, None)
        if voices is None:
            notify(f"Loading the adapter of {run.name} ...")
            voices = self._load_adapter(run)
        self._adapters[key] = voices
        voices.model.set_adapter(voices.adapter)
        if len(self._adapters) > MOST_ADAPTERS:
            oldest = self._adapters.pop(next(iter(self._adapters)))
            oldest.model.delete_adapter(oldest.adapter)
        return voices

    def _load_adapter(self, run: Run) -> Voices:
        tokenizer, _ = load_tokenizer(run.adapter)
        self._made += 1
        name = f"adapter{self._made}"
        try:
            model = self._put_on(run, name)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            self.release()  # it may be half on the base
            if isinstance(error, RuntimeError) and "size mismatch" not in str(error):
                raise  # memory, most likely: not the adapter's fault
            raise StudioError(
                f"The adapter of {run.name} cannot be put on its base ({type(error).__name__}: {error!s:.300}). "
                "Its files are damaged, or the base model was changed since: train again."
            ) from error
        return self._speaking(model.eval(), name, tokenizer)

    def _speaking(self, model: PeftModel | PreTrainedModel, adapter: str, tokenizer: PreTrainedTokenizerBase) -> Voices:
        return Voices(
            model=model,
            adapter=adapter,
            tokenizer=tokenizer,
            ends=end_tokens(tokenizer, self._ends_of_base),
            pad=tokenizer.pad_token_id,
            context=getattr(model.config.get_text_config(decoder=True), "max_position_embeddings", None),
        )

    def _put_on(self, run: Run, name: str) -> PeftModel:
        assert self._model is not None
        if isinstance(self._model, PeftModel):
            self._model.load_adapter(str(run.adapter), adapter_name=name)
            return self._model
        self._model = model = PeftModel.from_pretrained(self._model, str(run.adapter), adapter_name=name)
        return model


def _adapter_kind(run: Run) -> str:
    if not run.adapter.is_dir():
        raise StudioError(
            f"The run {run.name} has no adapter (yet), so there is no tuned model to ask. "
            "Wait until it has finished, or choose another run."
        )
    try:
        return str(PeftConfig.from_pretrained(str(run.adapter)).peft_type)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudioError(
            f"The adapter of {run.name} is damaged ({type(error).__name__}: {error!s:.200}). Train again."
        ) from error
