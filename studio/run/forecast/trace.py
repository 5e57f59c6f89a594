"""One short training of a recipe, followed on fake tensors: what it counts, holds and computes, without any weights.

It is the run's own code that is followed: the task's loading, the method, the trainer and its loop, for one step.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from datasets import Dataset
from peft import PeftModel, get_peft_model_state_dict
from transformers import AutoConfig, TrainerCallback
from transformers.trainer_callback import PrinterCallback

from studio.recipe.methods.method import Situation
from studio.recipe.read import changed
from studio.recipe.recipe import Recipe
from studio.recipe.tasks import DirectPreference
from studio.run.arguments import training_arguments
from studio.run.forecast.forecast import MemoryPart
from studio.run.forecast.tracker import Moment, Tracker
from studio.run.forecast.unloaded import layers_of, quantised_tensors, unloaded
from studio.run.tasks.every import runner_of
from studio.run.tasks.runner import Rows, TaskRunner
from studio.run.tokenizer import load_tokenizer
from studio.run.train import precision_of
from studio.run.tune import counted, put_on

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

FEWEST = 2  # layers from which on one more is like every other
WHOLE = 5  # layers up to which the whole model is followed
FIRST_LAYER = re.compile(r"\.0\.")
MANY_STEPS = 1000  # what a method has planned for: the step followed is not its last
CLASSES = ("one", "other")
TOKEN = 5  # any token: nobody reads it

Parts = Counter[MemoryPart]


@dataclass
class Traced:
    """What one step takes. `moments` has the most that lives in each stretch of it, once the optimiser has its state.

    `flops` counts by the type of numbers, and `traffic` the bytes that other operations read and write: forward and
    backward of one batch. `operations` counts those of the whole step.
    """

    trainable: int = 0
    parameters: int = 0
    stored: int = 0
    layers: int = 0
    moments: dict[str, Parts] = field(default_factory=dict)
    flops: Counter[str] = field(default_factory=Counter)
    traffic: int = 0
    operations: int = 0

    @property
    def peak(self) -> Parts:
        """The parts at the highest moment."""
        return max(self.moments.values(), key=lambda parts: parts.total(), default=Counter())


@dataclass(frozen=True)
class Size:
    """How much one batch holds: rows, and tokens in each; and whether held-out rows are looked at on the way."""

    batch: int
    length: int
    held_out: bool


def trace(recipe: Recipe, folder: Path, size: Size) -> Traced:
    """Follow one step of a recipe over the base in `folder`, of which the settings and the tokenizer are read only.

    A deep model is followed with a few of its layers: what one more layer adds is what every other one adds.

    Raises:
        StudioError: the base cannot be used.
    """
    recipe = short(recipe)
    tokenizer, _ = load_tokenizer(folder, runner_of(recipe).speaks)
    depth = layers_of(AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True))
    if depth <= WHOLE:
        return _follow(recipe, folder, tokenizer, size, None)
    whole = count(recipe, folder)
    few = FEWEST
    while few + 1 < depth:
        one, more = (count(recipe, folder, layers) for layers in (few, few + 1))
        guess = _extended(one, more, depth)
        if (guess.trainable, guess.parameters) == (whole.trainable, whole.parameters):
            low, high = (_follow(recipe, folder, tokenizer, size, layers) for layers in (few, few + 1))
            return replace(_extended(low, high, depth), stored=whole.stored)
        few *= 2  # the method does not treat all layers alike
    return _follow(recipe, folder, tokenizer, size, None)


def count(recipe: Recipe, folder: Path, layers: int | None = None) -> Traced:
    """The weights alone: how many move, how many there are, what the result takes on the disk."""
    with unloaded(layers):
        model, _ = _built(recipe, _runner(recipe), folder)
        found = _counted(model)
        found.layers, found.stored = layers_of(model.config), _stored(recipe.method.result(model))
        return found


def short(recipe: Recipe) -> Recipe:
    """The recipe as it is followed: one step, of two batches where gradients are accumulated."""
    training = recipe.training
    fewer = {"training.max_steps": 1, "training.epochs": 1, "training.save_steps": 0}
    fewer |= {"training.evaluations": 0, "training.early_stopping": 0, "training.keep_best": False}
    accumulation = min(2, training.gradient_accumulation)
    return changed(recipe, fewer | {"training.gradient_accumulation": accumulation})


def _runner(recipe: Recipe) -> TaskRunner:
    """The task's runner, which knows no rows; where it wants classes it has two."""
    runner = runner_of(recipe)
    if hasattr(runner, "labels"):
        runner.labels = CLASSES
    return runner


def _built(recipe: Recipe, runner: TaskRunner, folder: Path) -> tuple[Any, set[int]]:
    """The model with its method, and the storages of the base's own weights."""
    precision = precision_of(recipe, folder)
    base = runner.load(folder, precision, recipe.method.quantization(precision.compute))
    own = {weight.untyped_storage()._cdata for weight in base.parameters()}
    situation = Situation(recipe.task.peft_type, MANY_STEPS, str(folder))
    return put_on(base, recipe, situation, runner.new_modules), own


def _counted(model: Any) -> Traced:
    trainable, parameters = counted(model)
    return Traced(trainable, parameters)


def _stored(result: Any) -> int:
    """Bytes of the result's weights on the disk; tied ones are written once."""
    weights = get_peft_model_state_dict(result) if isinstance(result, PeftModel) else result.state_dict()
    storages = {each.untyped_storage()._cdata: each.numel() * each.element_size() for each in weights.values()}
    return sum(storages.values())


def _follow(recipe: Recipe, folder: Path, tokenizer: PreTrainedTokenizerBase, size: Size, layers: int | None) -> Traced:
    runner, precision = _runner(recipe), precision_of(recipe, folder)
    training = recipe.training
    rows = _rows(recipe, size, max(2, size.batch * training.gradient_accumulation))  # a fake sampler draws row 1
    with unloaded(layers), tempfile.TemporaryDirectory() as drafts:
        model, own = _built(recipe, runner, folder)
        traced = _counted(model)
        arguments = training_arguments(recipe, precision, Path(drafts), len(rows), 0)
        tracker = Tracker(int(model.config.get_text_config().vocab_size))
        watch = Watch(tracker, model)
        callbacks = [*recipe.method.callbacks(), watch]
        trainer = runner.trainer(model, tokenizer, arguments, (Rows(rows), Rows(rows.select([]))), callbacks)
        trainer.remove_callback(PrinterCallback)
        watch.begin(trainer, own)
        with tracker:
            trainer.train()
            if size.held_out:
                _look_at_held_out(trainer, rows.select(range(size.batch)))
                watch.looked()
        traced.moments = watch.moments()
        traced.flops = Counter({kind: n // training.gradient_accumulation for kind, n in watch.flops.items()})
        traced.traffic = watch.traffic // training.gradient_accumulation
        traced.operations = watch.operations
        traced.layers = layers or layers_of(model.config)
        traced.stored = _stored(recipe.method.result(trainer.model))  # last: a method may turn the model into it
    return traced


def _look_at_held_out(trainer: Any, rows: Dataset) -> None:
    """One batch of held-out rows, as the trainer's check of them looks at it."""
    trainer.model.eval()
    batch = next(iter(trainer.get_eval_dataloader(rows)))
    trainer.prediction_step(trainer.model, batch, prediction_loss_only=True)


def _rows(recipe: Recipe, size: Size, count: int) -> Dataset:
    """Rows of exactly that length, as the task's collator takes them."""
    tokens = [TOKEN] * size.length
    if isinstance(recipe.task, DirectPreference):
        prompt, answer = tokens[: size.length // 2], tokens[size.length // 2 :]
        texts = {"prompt_ids": prompt, "chosen_ids": answer, "rejected_ids": answer}
        known = dict.fromkeys(("ref_chosen_logps", "ref_rejected_logps"), [0.0] * count)
        return Dataset.from_dict({name: [ids] * count for name, ids in texts.items()} | known)
    classes = range(count) if recipe.task.name == "sequence-classification" else None
    labels: Any = [tokens] * count if classes is None else [each % len(CLASSES) for each in classes]
    return Dataset.from_dict({"input_ids": [tokens] * count, "labels": labels})


class Watch(TrainerCallback):  # type: ignore[misc]
    """Cuts a step into its stretches and notes the most that lives in each."""

    def __init__(self, tracker: Tracker, model: Any) -> None:
        self._tracker = tracker
        self._model = model
        self._moments: dict[str, Moment] = {}
        self._before: Parts = Counter()
        self._kept: Parts = Counter()
        self.flops: Counter[str] = Counter()
        self.traffic = 0
        self.operations = 0

    def begin(self, trainer: Any, own: set[int]) -> None:
        """Name the weights, and listen to the gradients as they come."""
        self._model = trainer.model
        for weight in self._model.parameters():
            part: MemoryPart = "weights" if weight.untyped_storage()._cdata in own else "adapter"
            self._tracker.name([weight], part)
            self._tracker.name(quantised_tensors(weight), "weights")
        self._tracker.name(self._model.buffers(), "weights")
        for name, weight in self._model.named_parameters():
            if weight.requires_grad:
                weight.register_post_accumulate_grad_hook(self._first if FIRST_LAYER.search(name) else self._grown)
        backward = trainer.accelerator.backward

        def noted(*arguments: Any, **options: Any) -> None:
            self._note("forward")
            backward(*arguments, **options)
            self._note("backward's end")

        trainer.accelerator.backward = noted

    def moments(self) -> dict[str, Parts]:
        """The most that lives in each stretch, once the optimiser has its state."""
        later = {"update", "evaluation"}
        return {
            name: moment.parts if name in later else moment.parts + self._kept for name, moment in self._moments.items()
        }

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self._before = self._tracker.part_bytes()
        self._tracker.moment()
        self._tracker.flops.clear()
        self._tracker.operations = self._tracker.traffic = 0

    def on_pre_optimizer_step(self, *_: Any, **__: Any) -> None:
        self._note("clipping")
        self.flops, self.traffic = self._tracker.flops.copy(), self._tracker.traffic
        self._tracker.making = "optimiser"

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self._note("update")
        self.operations = self._tracker.operations
        self._tracker.making = "activations"
        self._tracker.moment()
        after = self._tracker.part_bytes()
        self._kept = Counter({"optimiser": after.total() - self._before.total()})

    def looked(self) -> None:
        """Held-out rows were looked at."""
        self._note("evaluation")

    def _grown(self, weight: torch.Tensor) -> None:
        assert weight.grad is not None
        self._tracker.name([weight.grad], "gradients")

    def _first(self, weight: torch.Tensor) -> None:
        """From the first layer's gradients on activations are gone and gradients are there."""
        self._note("backward")
        self._grown(weight)

    def _note(self, name: str) -> None:
        moment = self._tracker.moment()
        if name == "backward" and name in self._moments:
            name = "backward's end"
        before = self._moments.get(name)
        if before is None or moment.bytes > before.bytes:
            self._moments[name] = moment


def _extended(low: Traced, high: Traced, depth: int) -> Traced:
    """A model of `depth` layers, from two that differ in one layer."""
    times = depth - low.layers

    before, after = low.moments, high.moments
    if before.keys() != after.keys():
        before, after = _whole_backward(low), _whole_backward(high)

    def along(a: int, b: int) -> int:
        return a + (b - a) * times

    return Traced(
        trainable=along(low.trainable, high.trainable),
        parameters=along(low.parameters, high.parameters),
        stored=along(low.stored, high.stored),
        layers=depth,
        moments={name: _grow(before[name], after[name], along) for name in before},
        flops=_grow(low.flops, high.flops, along),
        traffic=along(low.traffic, high.traffic),
        operations=along(low.operations, high.operations),
    )


def _whole_backward(traced: Traced) -> dict[str, Parts]:
    """The stretches with the backward pass as one, which it is where nothing moves in the first layer."""
    moments = dict(traced.moments)
    ends = [moments.pop(name) for name in ("backward", "backward's end") if name in moments]
    return moments | {"backward's end": max(ends, key=Counter.total)}


def _grow(low: Counter[Any], high: Counter[Any], along: Any) -> Counter[Any]:
    names: Iterable[Any] = {*low, *high}
    return Counter({name: max(0, along(low[name], high[name])) for name in names})
