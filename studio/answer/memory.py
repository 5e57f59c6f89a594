"""Which models are in memory: bases, and whole tuned models beside them where they fit."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import torch
from transformers import AutoConfig, GenerationConfig

from studio.answer.checkpoint import whole_model
from studio.answer.loaded import Loaded
from studio.answer.voices import Notify
from studio.answer.wanted import ModelKey, Wanted
from studio.errors import StudioError
from studio.recipe.models import fetch, locate
from studio.recipe.recipe import Recipe
from studio.recipe.tasks import LanguageModeling, SequenceClassification
from studio.run.base import Precision, choose_precision, load_model
from studio.run.directory import Run

if TYPE_CHECKING:
    from transformers import BitsAndBytesConfig, PreTrainedModel

ROOM_BESIDE = 1.25  # times its weights is what a second model needs, with what it computes
IN_TURN = "The memory does not hold all of these models at once: they answer in turn."


@dataclass(frozen=True)
class Facts:
    """What is known of a model also while it is not in memory."""

    ends: int | list[int] | None
    context: int | None
    labels: tuple[str, ...]


class Memory:
    """The models in memory, by what they are."""

    def __init__(self) -> None:
        self.models: dict[ModelKey, Loaded] = {}
        self._facts: dict[ModelKey, Facts] = {}
        self._precisions: dict[str, Precision] = {}

    def gather(self, wanted: Sequence[Wanted], held: set[ModelKey], notify: Notify) -> set[ModelKey]:
        """Have the models of these voices in memory. Returns those that do not fit beside the others.

        Those that carry an adapter, or are turned, come first: only a model by itself can wait for its turn. Models in
        `held` are in use.

        Raises:
            StudioError: one cannot be loaded, or the memory does not hold those that cannot wait, or those in use.
        """
        models = self.models_of(wanted)
        fixed = {key for each in wanted if each.adapter or each.voice.strength != 1 for key in self.models_of([each])}
        for key in sorted(models, key=lambda key: (key not in fixed, key not in self.models)):
            if key in self.models:
                continue
            has_room = self._make_room(self.folder(key, models[key]), models.keys() | held)
            if not has_room and key in fixed:
                has_room = self._make_room(self.folder(key, models[key]), fixed | held)
            if has_room:
                self._load(key, models[key], notify)
        later = models.keys() - self.models.keys()
        if later & fixed or (later and held):
            raise StudioError(
                "The memory does not hold all of these models at once. Ask fewer, or ask again when other questions "
                "are answered."
            )
        if later:
            notify(IN_TURN)
        return later

    def has_room(self, key: ModelKey, wanted: Wanted) -> bool:
        """Whether a model is in memory, or fits beside those that are."""
        return key in self.models or fits(self.folder(key, wanted))

    def require(self, key: ModelKey, wanted: Wanted, notify: Notify) -> Loaded:
        """A model, loaded again where it was let go of; others go where it does not fit beside them."""
        if key not in self.models:
            if not self.has_room(key, wanted):
                self.release()
            self._load(key, wanted, notify)
        return self.models[key]

    def release(self) -> None:
        """Let go of everything, and give the memory back."""
        self.models.clear()
        give_back()

    def models_of(self, wanted: Sequence[Wanted]) -> dict[ModelKey, Wanted]:
        """The models that have to be in memory, each with a voice that asks for it."""
        found: dict[ModelKey, Wanted] = {}
        for each in wanted:
            if each.whole is not None and each.voice.strength != 1:
                found.setdefault(self.key_of(replace(each, whole=None)), replace(each, whole=None))
            found.setdefault(self.key_of(each), each)
        return found

    def key_of(self, wanted: Wanted) -> ModelKey:
        """A base by itself takes the form in which it is in memory already."""
        key = self.base_key(wanted.recipe, wanted.head)
        if wanted.run is None:
            alike = (each for each in self.models if each.model_id == key.model_id and not each.quantization)
            return next((each for each in alike if not each.head and each.whole is None), key)
        return key._replace(whole=wanted.whole)

    def base_key(self, recipe: Recipe, head: str) -> ModelKey:
        """The key of a recipe's base with that head."""
        precision = self._precision(recipe)
        quantization = recipe.method.quantization(precision.compute)
        stored = quantization.to_json_string(use_diff=False) if quantization else ""
        return ModelKey(recipe.model.id, str(precision.weights), stored, head)

    def _precision(self, recipe: Recipe) -> Precision:
        """As the run had it. Chosen once: on a CPU it is measured, and another outcome would load the base again."""
        asked = recipe.training.precision
        if asked not in self._precisions:
            usable = "float32" if asked == "float16" and not torch.cuda.is_available() else asked
            self._precisions[asked] = choose_precision(usable)
        precision = self._precisions[asked]
        return replace(precision, weights=torch.float32) if recipe.method.trains_base else precision

    def folder(self, key: ModelKey, wanted: Wanted) -> Path:
        """Where the weights of a model lie. A checkpoint's are about as many as its base's."""
        whole = key.whole
        return whole.folder if whole is not None and not whole.is_checkpoint else fetch(locate(wanted.recipe.model.id))

    def facts_of(self, key: ModelKey, wanted: Wanted) -> Facts:
        """What is known of a model. Of one that is still to be loaded, what its folder says."""
        if key in self._facts:
            return self._facts[key]
        folder, has_head = self.folder(key, wanted), key.whole is not None and not key.whole.is_checkpoint
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        try:
            ends = _ends(GenerationConfig.from_pretrained(folder, local_files_only=True))
        except OSError:
            ends = config.get_text_config(decoder=True).eos_token_id
        labels = _labels(wanted.recipe, config) if has_head else _labels_of_run(wanted)
        return Facts(ends, _context(config), labels)

    def _make_room(self, folder: Path, needed: set[ModelKey]) -> bool:
        """Let go of what nobody needs. Returns whether the weights in `folder` fit then; alone they may always try."""
        for key in [key for key in self.models if key not in needed]:
            del self.models[key]
        give_back()
        return not self.models or fits(folder)

    def _load(self, key: ModelKey, wanted: Wanted, notify: Notify) -> None:
        run, recipe, whole = wanted.run, wanted.recipe, key.whole
        what = f"model of {wanted.name}" if whole is not None else f"base model {recipe.model.id}"
        notify(f"Loading the {what} ...")
        precision, folder = self._precision(recipe), self.folder(key, wanted)
        quantization = recipe.method.quantization(precision.compute) if whole is None else None
        model, new_modules = _loaded(run, recipe, folder, precision, quantization)
        ends = _ends(getattr(model, "generation_config", None))
        if whole is not None and whole.is_checkpoint:
            assert run is not None
            model = whole_model(run, whole.folder, model, new_modules)
        self.models[key] = Loaded(_plain(model), folder, new_modules)
        self._facts[key] = Facts(ends, _context(model.config), _labels(recipe, model.config))


def _loaded(
    run: Run | None,
    recipe: Recipe,
    folder: Path,
    precision: Precision,
    quantization: BitsAndBytesConfig | None,
) -> tuple[PreTrainedModel, tuple[str, ...]]:
    """The model in `folder` with the head that the recipe's task wants, and what of it the folder lacks."""
    if run is None or isinstance(recipe.task, LanguageModeling):
        return load_model(folder, precision, quantization), ()
    from studio.run.tasks.every import runner_of  # brings the trainers along, which writing does without

    runner = runner_of(recipe)
    runner.begin(run)
    model = runner.load(folder, precision, quantization)
    return model, runner.new_modules


def _plain(model: PreTrainedModel) -> PreTrainedModel:
    """Only what the page shows counts: no hidden top-k or penalty, nothing of training."""
    model.generation_config = GenerationConfig()  # type: ignore[no-untyped-call]
    return model.eval()  # type: ignore[no-any-return, no-untyped-call]


def _ends(config: Any) -> int | list[int] | None:
    return getattr(config, "eos_token_id", None)


def _context(config: Any) -> int | None:
    """In tokens."""
    return getattr(config.get_text_config(decoder=True), "max_position_embeddings", None)


def _labels(recipe: Recipe, config: Any) -> tuple[str, ...]:
    if not isinstance(recipe.task, SequenceClassification):
        return ()
    return tuple(str(config.id2label[number]) for number in sorted(config.id2label))


def _labels_of_run(wanted: Wanted) -> tuple[str, ...]:
    task = wanted.recipe.task
    if wanted.run is None or not isinstance(task, SequenceClassification):
        return ()
    from studio.run.tasks.sequence_classification import classes_of

    return classes_of(wanted.run.examples("train"), task.most_classes)


def fits(folder: Path) -> bool:
    """Whether the memory that is free holds the weights in `folder` too."""
    needed = ROOM_BESIDE * sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    free = torch.cuda.mem_get_info()[0] if torch.cuda.is_available() else psutil.virtual_memory().available
    return bool(needed < free)


def give_back() -> None:
    """What was let go of becomes free memory."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
