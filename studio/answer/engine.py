"""What is in memory: a base model with the adapters of many runs on it, and beside it whole tuned models that fit."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil
import torch
from transformers import AutoConfig, GenerationConfig

from studio.answer.checkpoint import whole_model
from studio.answer.loaded import Loaded
from studio.answer.prompts import end_tokens
from studio.answer.strength import Dial, dial_of
from studio.answer.voice import Voice
from studio.answer.voices import Model, Notify, Seat
from studio.answer.wanted import Mix, ModelKey, Wanted, wanted_by
from studio.errors import StudioError
from studio.recipe.models import fetch, locate
from studio.recipe.recipe import Recipe
from studio.recipe.tasks import LanguageModeling, SequenceClassification
from studio.run.base import Precision, choose_precision, load_model
from studio.run.directory import Run
from studio.run.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from transformers import BitsAndBytesConfig, PreTrainedModel, PreTrainedTokenizerBase

ROOM_BESIDE = 1.25  # times its weights is what a second model needs, with what it computes
IN_TURN = "The memory does not hold all of these models at once: they answer in turn."


def quiet(note: str) -> None:
    """Hears notes and says nothing."""


class Place(NamedTuple):
    """Where a voice speaks: on which model, as which adapter."""

    key: ModelKey
    adapter: str


class ReadFrom(NamedTuple):
    """A tokenizer in a folder, told apart from a later one there."""

    folder: Path
    written: int
    writes: bool


@dataclass(frozen=True)
class Facts:
    """What is known of a model also while it is not in memory."""

    ends: int | list[int] | None
    context: int | None
    labels: tuple[str, ...]


class Engine:
    """Loads what questions need, and keeps it for the next ones. May be called from several threads."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._precisions: dict[str, Precision] = {}
        self._models: dict[ModelKey, Loaded] = {}
        self._facts: dict[ModelKey, Facts] = {}
        self._tokenizers: dict[ReadFrom, PreTrainedTokenizerBase] = {}
        self._held: Counter[Place] = Counter()

    def seats(self, voices: Sequence[Voice], notify: Notify = quiet) -> list[Seat]:
        """These voices, ready to answer, in the same order. What they share is loaded once, and is kept for others.

        Raises:
            StudioError: a voice has no result, cannot be loaded, mixed or turned; or the memory does not hold it beside
                what answers another question.
        """
        return [seat for seat, _ in self._seated(voices, notify)]

    @contextmanager
    def seated(self, voices: Sequence[Voice], notify: Notify = quiet) -> Iterator[list[Seat]]:
        """As `seats`; until the end nothing of it is let go of or turned for another question. Raises the same."""
        with self._lock:
            found = self._seated(voices, notify)
            self._held.update(place for _, place in found)
        try:
            yield [seat for seat, _ in found]
        finally:
            with self._lock:
                self._held -= Counter(place for _, place in found)

    def has_room(self, voices: Sequence[Voice]) -> bool:
        """Whether these voices can be seated now, beside what is held for other questions. Raises as `seats`."""
        with self._lock:
            if not self._held:
                return True
            held = {place.key for place in self._held}
            for key, wanted in self._models_of(self._wanted(voices)).items():
                if key not in self._models and not _fits(self._folder(key, wanted)):
                    return False
                if key in held and key.whole is not None and self._strength_of(key) != wanted.voice.strength:
                    return False
            return True

    def release(self) -> None:
        """Let go of everything, and give the memory back."""
        with self._lock:
            self._models.clear()
            self._held.clear()
            _give_back()

    def _seated(self, voices: Sequence[Voice], notify: Notify) -> list[tuple[Seat, Place]]:
        with self._lock:
            wanted = self._wanted(voices)
            later = self._gather(wanted, notify)
            used: set[str] = set()
            found = []
            for each in wanted:
                place = Place(self._key_of(each), "")
                if place.key not in later:
                    place = self._place(each, place.key, used, notify)
                used.add(place.adapter)
                found.append((self._seat(each, place, notify), place))
            return found

    def _wanted(self, voices: Sequence[Voice]) -> list[Wanted]:
        wanted = [wanted_by(voice) for voice in voices]
        strengths: dict[ModelKey, float] = {}
        for each in wanted:
            strength = each.voice.strength
            if strength != 1 and not each.voice.is_base and (reason := dial_of(each.recipe)):
                raise StudioError(f"The strength of {each.name} cannot be set: {reason}. Set its strength to 1.")
            if isinstance(each.adapter, Mix):
                self._refuse_other_bases(each.adapter)
            if each.whole is not None and strengths.setdefault(self._key_of(each), strength) != strength:
                raise StudioError(
                    f"{each.name} is a whole model and is in memory once, so it has one strength at a time. Give both "
                    "panes the same strength, or ask one after the other."
                )
        return wanted

    def _refuse_other_bases(self, mix: Mix) -> None:
        keys = {self._base_key(part.run.recipe, "") for part, _ in mix.parts}
        if len(keys) > 1:
            raise StudioError(f"{mix.name[0].upper()}{mix.name[1:]} cannot be made: they have different bases.")

    def _models_of(self, wanted: Sequence[Wanted]) -> dict[ModelKey, Wanted]:
        """The models that have to be in memory, each with a voice that asks for it."""
        found: dict[ModelKey, Wanted] = {}
        for each in wanted:
            if each.whole is not None and each.voice.strength != 1:
                found.setdefault(self._key_of(replace(each, whole=None)), replace(each, whole=None))
            found.setdefault(self._key_of(each), each)
        return found

    def _key_of(self, wanted: Wanted) -> ModelKey:
        """A base by itself takes the form in which it is in memory already."""
        key = self._base_key(wanted.recipe, wanted.head)
        if wanted.run is None:
            alike = (each for each in self._models if each.model_id == key.model_id and not each.quantization)
            return next((each for each in alike if not each.head and each.whole is None), key)
        return key._replace(whole=wanted.whole)

    def _base_key(self, recipe: Recipe, head: str) -> ModelKey:
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

    def _gather(self, wanted: Sequence[Wanted], notify: Notify) -> set[ModelKey]:
        """Have the models of these voices in memory. Returns those that do not fit beside the others.

        Those that carry an adapter, or are turned, come first: only a model by itself can wait for its turn.
        """
        models = self._models_of(wanted)
        fixed = {key for each in wanted if each.adapter or each.voice.strength != 1 for key in self._models_of([each])}
        for key in sorted(models, key=lambda key: (key not in fixed, key not in self._models)):
            if key in self._models:
                continue
            fits = self._make_room(self._folder(key, models[key]), set(models))
            if not fits and key in fixed:
                fits = self._make_room(self._folder(key, models[key]), fixed)
            if fits:
                self._load(key, models[key], notify)
        later = models.keys() - self._models.keys()
        if later & fixed or (later and self._held):
            raise StudioError(
                "The memory does not hold all of these models at once. Ask fewer, or ask again when other questions "
                "are answered."
            )
        if later:
            notify(IN_TURN)
        return later

    def _make_room(self, folder: Path, needed: set[ModelKey]) -> bool:
        """Let go of what nobody needs. Returns whether the weights in `folder` fit then; alone they may always try."""
        held = {place.key for place in self._held}
        for key in [key for key in self._models if key not in needed | held]:
            del self._models[key]
        _give_back()
        return not self._models or _fits(folder)

    def _folder(self, key: ModelKey, wanted: Wanted) -> Path:
        """Where the weights of a model lie. A checkpoint's are about as many as its base's."""
        whole = key.whole
        return whole.folder if whole is not None and not whole.is_checkpoint else fetch(locate(wanted.recipe.model.id))

    def _load(self, key: ModelKey, wanted: Wanted, notify: Notify) -> None:
        run, recipe, whole = wanted.run, wanted.recipe, key.whole
        what = f"model of {wanted.name}" if whole is not None else f"base model {recipe.model.id}"
        notify(f"Loading the {what} ...")
        precision, folder = self._precision(recipe), self._folder(key, wanted)
        quantization = recipe.method.quantization(precision.compute) if whole is None else None
        model, new_modules = _loaded(run, recipe, folder, precision, quantization)
        ends = _ends(getattr(model, "generation_config", None))
        if whole is not None and whole.is_checkpoint:
            assert run is not None
            model = whole_model(run, whole.folder, model, new_modules)
        self._models[key] = Loaded(_plain(model), folder, new_modules)
        self._facts[key] = Facts(ends, _context(model.config), _labels(recipe, model.config))

    def _place(self, wanted: Wanted, key: ModelKey, used: set[str], notify: Notify) -> Place:
        model, strength = self._models[key], wanted.voice.strength
        if wanted.whole is not None:
            self._turn(wanted, key)
        if wanted.adapter is None:
            return Place(key, "")
        taken = used | {place.adapter for place in self._held if place.key == key}
        found = model.find(wanted.adapter, strength, taken)
        if found is None:
            notify(f"Loading the adapter of {wanted.name} ...")
            found = model.bring(wanted.adapter, strength, taken)
        return Place(key, found.name)

    def _turn(self, wanted: Wanted, key: ModelKey) -> None:
        model, strength = self._models[key], wanted.voice.strength
        if strength == self._strength_of(key):
            return
        if model.dial is None:
            base = self._models.get(self._key_of(replace(wanted, whole=None)))
            if base is None or not _fits(model.folder):
                raise StudioError(
                    f"The memory does not hold {wanted.name}, its base and a copy, which setting its strength takes. "
                    "Set the strength to 1."
                )
            model.dial = Dial.of_whole(model.model, base.model, base.new_modules)
        model.dial.turn(strength)

    def _strength_of(self, key: ModelKey) -> float:
        model = self._models.get(key)
        return model.dial.strength if model is not None and model.dial is not None else 1.0

    def _seat(self, wanted: Wanted, place: Place, notify: Notify) -> Seat:
        key, tokenizer = place.key, self._tokenizer(wanted)
        facts, model = self._facts_of(key, wanted), self._models.get(key)
        adapter = model.adapter(place.adapter) if model is not None and place.adapter else None
        ends = end_tokens(tokenizer, facts.ends) if wanted.writes else frozenset()
        alone = adapter is not None and not adapter.named
        shares = (key, place.adapter if alone else "", ends, tokenizer.pad_token_id)
        return Seat(
            voice=wanted.voice,
            lead=partial(self._lead, wanted, place, notify),
            adapter="" if alone else place.adapter,
            tokenizer=tokenizer,
            ends=ends,
            pad=tokenizer.pad_token_id,
            context=facts.context and facts.context - (adapter.takes if adapter else 0),
            writes=wanted.writes,
            labels=facts.labels,
            together=shares if model is not None and model.exact else None,
            pads=adapter is None or adapter.pads,
            in_turn=model is None,
        )

    def _lead(self, wanted: Wanted, place: Place, notify: Notify) -> Model:
        """The model of a seat, on modules that nobody else has; loaded again where it was let go of."""
        with self._lock:
            if place.key not in self._models:
                folder = self._folder(place.key, wanted)
                if self._models and not _fits(folder):
                    self._models.clear()
                    _give_back()
                self._load(place.key, wanted, notify)
            model = self._models[place.key]
            if place.adapter and not model.holds(place.adapter):
                assert wanted.adapter is not None
                model.bring(wanted.adapter, wanted.voice.strength, (), place.adapter)
            return model.tree(place.adapter)

    def _tokenizer(self, wanted: Wanted) -> PreTrainedTokenizerBase:
        """The one that lies beside the result, as the run was trained with; or else the base's."""
        folder = wanted.run.result if wanted.run is not None else None
        folder = folder or self._folder(self._key_of(replace(wanted, whole=None)), wanted)
        known = ReadFrom(folder, folder.stat().st_mtime_ns, wanted.writes)
        if known not in self._tokenizers:
            self._tokenizers[known] = load_tokenizer(folder, speaks=wanted.writes)[0]
        return self._tokenizers[known]

    def _facts_of(self, key: ModelKey, wanted: Wanted) -> Facts:
        """What is known of a model. Of one that is still to be loaded, what its folder says."""
        if key in self._facts:
            return self._facts[key]
        folder, has_head = self._folder(key, wanted), key.whole is not None and not key.whole.is_checkpoint
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        try:
            ends = _ends(GenerationConfig.from_pretrained(folder, local_files_only=True))
        except OSError:
            ends = config.get_text_config(decoder=True).eos_token_id
        labels = _labels(wanted.recipe, config) if has_head else _labels_of_run(wanted)
        return Facts(ends, _context(config), labels)


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
