"""What is in memory: one base model with the adapters of several runs on it, and beside it one whole tuned model."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil
import torch
from peft import PeftConfig, PeftModel, PeftType
from safetensors import SafetensorError
from transformers import GenerationConfig

from studio.answer.prompts import end_tokens
from studio.answer.voices import Model, Notify, OneModel, Speakers, TwoModels, Voices
from studio.errors import StudioError
from studio.recipe.models import fetch, locate
from studio.recipe.recipe import ModelPart, Recipe
from studio.recipe.tasks import LanguageModeling, SequenceClassification
from studio.run.base import Precision, choose_precision, load_model
from studio.run.base_mark import refuse_other_base
from studio.run.directory import Run
from studio.run.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from transformers import BitsAndBytesConfig, PreTrainedModel, PreTrainedTokenizerBase

MOST_ADAPTERS = 4  # kept on a base; the one that was not used for longest goes first
ROOM_BESIDE = 1.25  # times its weights is what a second model needs, with what it computes


class BaseKey(NamedTuple):
    """Two runs with equal keys can share the base in memory. `head` is what the base has on top of its body."""

    model_id: str
    weights: str
    quantization: str
    head: str
    adapter_kind: str


class ResultKey(NamedTuple):
    """A result in a folder, told apart from a later one in the same folder."""

    folder: str
    written: int

    @classmethod
    def of(cls, folder: Path) -> ResultKey:
        return cls(str(folder), folder.stat().st_mtime_ns)


class Engine:
    """Loads what a question needs, and keeps it for the next one. For one thread."""

    def __init__(self) -> None:
        self._precisions: dict[str, Precision] = {}
        self._key: BaseKey | None = None
        self._model: PreTrainedModel | PeftModel | None = None
        self._base_folder: Path | None = None  # where its weights came from
        self._ends_of_base: int | list[int] | None = None
        self._adapters: dict[ResultKey, Voices] = {}  # in the order of their last use
        self._tokenizer: PreTrainedTokenizerBase | None = None  # of the base by itself
        self._whole: tuple[ResultKey, PreTrainedModel] | None = None
        self._made = 0

    def load(self, run: Run, notify: Notify = lambda note: None) -> Voices:
        """Base and tuned model of `run`. The base is kept where the last run had the same one, else let go first.

        Raises:
            StudioError: the run has no result, or base, result or tokenizer cannot be loaded.
        """
        if run.result is None:
            raise StudioError(
                f"The run {run.name} has no result (yet), so there is no tuned model to ask. "
                "Wait until it has finished, or choose another run."
            )
        if run.result == run.model:
            return self._two(run, notify)
        self._whole = None
        self._require_base(run, _adapter_kind(run), notify)
        return self._voices(run, notify)

    def load_base(self, model_id: str, notify: Notify = lambda note: None) -> Voices:
        """A base model by itself, kept where a run had the same one.

        Raises:
            StudioError: base or tokenizer cannot be loaded.
        """
        recipe = Recipe(model=ModelPart(id=model_id))
        self._whole = None
        self._require(self._key_of(recipe, "", ""), recipe, None, notify)
        if self._tokenizer is None:
            self._tokenizer, _ = load_tokenizer(fetch(locate(model_id)))
        assert self._model is not None
        return self._speaking(OneModel(self._model), self._model, "", self._tokenizer)

    def base_of(self, run: Run, notify: Notify = lambda note: None) -> Model:
        """The base of a run whose result is a whole model. The result is let go where both do not fit."""
        assert run.model.is_dir(), "a base with an adapter is the adapter's model"
        if self._model is None and self._whole is not None and not _fits(run.model):
            notify("The memory does not hold base and tuned model at once: they answer in turn.")
            self._whole = None
            _give_back()
        self._require_base(run, "", notify)
        return self._model

    def whole(self, run: Run, notify: Notify = lambda note: None) -> Model:
        """The whole model that came out of a run. The base is let go where both do not fit."""
        if self._whole is not None and self._whole[0] == ResultKey.of(run.model):
            return self._whole[1]
        self._whole = None
        _give_back()
        if self._model is not None and not _fits(run.model):
            notify("The memory does not hold base and tuned model at once: they answer in turn.")
            self.release()
        notify(f"Loading the model of {run.name} ...")
        recipe = run.recipe
        model = _loaded(run, recipe, run.model, self._precision(recipe), None)
        self._ends_of_base = self._ends_of_base or _ends(model)
        self._whole = ResultKey.of(run.model), _plain(model)
        return model

    def holds_whole(self, run: Run) -> bool:
        """Whether the whole model of `run` is in memory and its base is not."""
        return self._model is None and self._whole is not None and self._whole[0] == ResultKey.of(run.model)

    def release(self) -> None:
        """Let go of everything, and give the memory back."""
        self._key, self._model, self._tokenizer, self._whole, self._ends_of_base = None, None, None, None, None
        self._adapters.clear()
        _give_back()

    def _precision(self, recipe: Recipe) -> Precision:
        """As the run had it. Chosen once: on a CPU it is measured, and another outcome would load the base again."""
        asked = recipe.training.precision
        if asked not in self._precisions:
            usable = "float32" if asked == "float16" and not torch.cuda.is_available() else asked
            self._precisions[asked] = choose_precision(usable)
        precision = self._precisions[asked]
        return replace(precision, weights=torch.float32) if recipe.method.trains_base else precision

    def _key_of(self, recipe: Recipe, head: str, adapter_kind: str) -> BaseKey:
        precision = self._precision(recipe)
        quantization = recipe.method.quantization(precision.compute)
        stored = quantization.to_json_string(use_diff=False) if quantization else ""
        return BaseKey(recipe.model.id, str(precision.weights), stored, head, adapter_kind)

    def _require_base(self, run: Run, adapter_kind: str, notify: Notify) -> None:
        recipe = run.recipe
        self._require(self._key_of(recipe, _head(run, recipe), adapter_kind), recipe, run, notify)

    def _require(self, key: BaseKey, recipe: Recipe, run: Run | None, notify: Notify) -> None:
        """Have the key's base in memory. One without adapters yet takes any kind, and adapters do not bar the base."""
        known = self._key
        if known is None or known[:-1] != key[:-1] or (known[-1] and key[-1] not in ("", known[-1])):
            whole = self._whole
            self.release()
            self._whole = whole
            self._load_base(recipe, run, notify)
            self._key = key
        elif not known.adapter_kind:
            self._key = key

    def _load_base(self, recipe: Recipe, run: Run | None, notify: Notify) -> None:
        notify(f"Loading the base model {recipe.model.id} ...")
        precision = self._precision(recipe)
        quantization = recipe.method.quantization(precision.compute)
        self._base_folder = fetch(locate(recipe.model.id))
        model = _loaded(run, recipe, self._base_folder, precision, quantization)
        self._ends_of_base = _ends(model)
        self._model = _plain(model)

    def _two(self, run: Run, notify: Notify) -> Voices:
        speakers = TwoModels(self, run, notify)
        tokenizer = _tokenizer(run, run.model)
        model = speakers.model(tuned=True)
        return self._speaking(speakers, model, "", tokenizer, run)

    def _voices(self, run: Run, notify: Notify) -> Voices:
        key = ResultKey.of(run.adapter)
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
        assert self._base_folder is not None
        refuse_other_base(run.adapter, self._base_folder, run.name, run.recipe.model.id)
        tokenizer = _tokenizer(run, run.adapter)
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
        model.eval()
        return self._speaking(OneModel(model), model, name, tokenizer, run)

    def _speaking(
        self,
        speakers: Speakers,
        model: Model,
        adapter: str,
        tokenizer: PreTrainedTokenizerBase,
        run: Run | None = None,
    ) -> Voices:
        writes = run is None or isinstance(run.recipe.task, LanguageModeling)
        return Voices(
            speakers=speakers,
            adapter=adapter,
            tokenizer=tokenizer,
            ends=end_tokens(tokenizer, self._ends_of_base) if writes else frozenset(),
            pad=tokenizer.pad_token_id,
            context=getattr(model.config.get_text_config(decoder=True), "max_position_embeddings", None),
            writes=writes,
            labels=() if run is None else _labels(run, model),
        )

    def _put_on(self, run: Run, name: str) -> PeftModel:
        assert self._model is not None
        if isinstance(self._model, PeftModel):
            self._model.load_adapter(str(run.adapter), adapter_name=name)
            return self._model
        self._model = model = PeftModel.from_pretrained(self._model, str(run.adapter), adapter_name=name)
        return model


def _adapter_kind(run: Run) -> str:
    """Adapters of equal kinds can lie on one base together: LoRA's do, any other has the base for itself."""
    try:
        kind = PeftConfig.from_pretrained(str(run.adapter)).peft_type
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudioError(
            f"The adapter of {run.name} is damaged ({type(error).__name__}: {error!s:.200}). Train again."
        ) from error
    return str(kind) if kind == PeftType.LORA else f"{kind} of {ResultKey.of(run.adapter)}"


def _loaded(
    run: Run | None,
    recipe: Recipe,
    folder: Path,
    precision: Precision,
    quantization: BitsAndBytesConfig | None,
) -> PreTrainedModel:
    """The model in `folder` with the head that the recipe's task wants."""
    if run is None or isinstance(recipe.task, LanguageModeling):
        return load_model(folder, precision, quantization)
    from studio.run.tasks.every import runner_of  # brings the trainers along, which writing does without

    runner = runner_of(recipe)
    runner.begin(run)
    return runner.load(folder, precision, quantization)


def _plain(model: PreTrainedModel) -> PreTrainedModel:
    """Only what the page shows counts: no hidden top-k or penalty, nothing of training."""
    model.generation_config = GenerationConfig()  # type: ignore[no-untyped-call]
    return model.eval()  # type: ignore[no-any-return, no-untyped-call]


def _ends(model: PreTrainedModel) -> int | list[int] | None:
    return getattr(getattr(model, "generation_config", None), "eos_token_id", None)


def _head(run: Run, recipe: Recipe) -> str:
    """What bases must have in common above their bodies. Empty for writing; a head for classes is made for one run."""
    task = recipe.task
    if isinstance(task, LanguageModeling):
        return ""
    return f"{task.name} of {run.path}" if isinstance(task, SequenceClassification) else task.name


def _labels(run: Run, model: Model) -> tuple[str, ...]:
    if not isinstance(run.recipe.task, SequenceClassification):
        return ()
    names = model.config.id2label
    return tuple(str(names[number]) for number in sorted(names))


def _tokenizer(run: Run, folder: Path) -> PreTrainedTokenizerBase:
    return load_tokenizer(folder, speaks=isinstance(run.recipe.task, LanguageModeling))[0]


def _fits(folder: Path) -> bool:
    """Whether the memory that is free holds the weights in `folder` too."""
    needed = ROOM_BESIDE * sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    free = torch.cuda.mem_get_info()[0] if torch.cuda.is_available() else psutil.virtual_memory().available
    return bool(needed < free)


def _give_back() -> None:
    """What was let go of becomes free memory."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
