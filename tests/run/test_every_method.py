"""Every method on the bundled starter through the real trainer: it learns, it moves what it claims and nothing else, it
can be stopped and resumed, and what it leaves is what was trained.

A new method is tested here as soon as it is in `METHODS`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import TrainerCallback

from studio.data.part import DataPart
from studio.home import CHECKOUT, Home, open_home
from studio.knob import knobs
from studio.recipe.methods.every import METHODS, method_named, name_of
from studio.recipe.methods.method import TuningMethod
from studio.recipe.read import changed
from studio.recipe.recipe import Recipe, TrainingPart
from studio.run import train as train_module
from studio.run.directory import Run, Status
from studio.run.events import that_count
from studio.run.launchers import ThreadLauncher
from studio.run.resume import resume
from studio.run.submit import submit
from studio.run.train import train
from studio.ui import page
from studio.ui.studio import Studio
from tests.tiny_run import one_thread

STEPS, STOPPED_AFTER = 10, 4
RATE = 5e-3  # what LoRA wants on the starter; a method's `rate` is a multiple of it
DROPOUT = 0.05
LOSSES = ("loss", "eval_loss")
NAMES = [name_of(method) for method in METHODS]

FRESH = """
import sys
from pathlib import Path
import torch
from safetensors.torch import save_file
from studio.home import STARTER
from studio.run.directory import Run
from studio.run.result import load_result
from studio.run.tasks.every import runner_of
from studio.run.train import precision_of

torch.set_num_threads(1)
folder, *paths = map(Path, sys.argv[1:])
logits = {}
for path in paths:
    recipe = Run(path).recipe
    precision = precision_of(recipe)
    base = runner_of(recipe).load(STARTER, precision, recipe.method.quantization(precision.compute))
    with torch.no_grad():
        logits[path.name] = load_result(Run(path), base, precision)(input_ids=torch.arange(5, 45)[None]).logits
save_file(logits, folder / "logits.safetensors")
"""

ROUNDED = {
    # method: why a reloaded result may differ from the trained model in its last bits
    "pissa": "the result is turned into a LoRA over the unchanged base",
    "delta-lora": "the adapter is added into the weights",
}


@dataclass
class Story:
    """A run as it went: the weights of its model before the first step and after the last, what of them was to move,
    and what the trained model answers."""

    run: Run
    before: dict[str, torch.Tensor] = field(default_factory=dict)
    after: dict[str, torch.Tensor] = field(default_factory=dict)
    trained: set[str] = field(default_factory=set)
    claimed: set[str] = field(default_factory=set)
    logits: torch.Tensor = field(default_factory=lambda: torch.empty(0))

    @property
    def losses(self) -> list[float]:
        """The training loss of each step."""
        return [loss for name, _, loss in self.measured if name == "loss"]

    @property
    def measured(self) -> list[tuple[str, int, float]]:
        """Training and held-out losses: (which, step, value), each once."""
        metrics = (event for event in that_count(self.run.events()[0]) if event.kind == "metrics")
        found = [(name, event.step, event.values[name]) for event in metrics for name in LOSSES if name in event.values]
        return list(dict.fromkeys(found))

    @property
    def result(self) -> dict[str, torch.Tensor]:
        assert self.run.result is not None, self.run.ended()
        (file,) = self.run.result.glob("*model.safetensors")
        return load_file(file)


class Workshop:
    """Trains each method once, when a test first asks for it."""

    def __init__(self, home: Home, pairs: Path, patch: pytest.MonkeyPatch) -> None:
        self._home, self._pairs = home, pairs
        self._stories: dict[str, Story] = {}
        self._current: Story | None = None
        self._stop_after = 0
        self._build, self._save = train_module.build_trainer, train_module.save_result
        patch.setattr(train_module, "build_trainer", self._build_and_look)
        patch.setattr(train_module, "save_result", self._look_and_save)

    def straight(self, name: str, **changes: Any) -> Story:
        """The run from its first step to its last."""
        key = json.dumps([name, changes])
        if key not in self._stories:
            self._stories[key] = self._done(submit(self._home, self.recipe(name, changes)))
        return self._stories[key]

    def resumed(self, name: str, **changes: Any) -> Story:
        """The same run, stopped on its way and gone on with."""
        run = submit(self._home, self.recipe(name, changes))
        self._stop_after = STOPPED_AFTER
        self._done(run)
        self._stop_after = 0
        assert (run.status(), run.ended().step) == (Status.STOPPED, STOPPED_AFTER), run.ended()
        assert resume(run) == STOPPED_AFTER
        return self._done(run)

    def recipe(self, name: str, changes: dict[str, Any]) -> Recipe:
        method = method_named(name)
        options = {"method.name": name, "training.learning_rate": min(0.1, RATE * method.rate)}
        if "dropout" in method.model_fields:
            options["method.dropout"] = DROPOUT
        recipe = Recipe(
            data=DataPart(path=str(self._pairs), held_out_share=0.25),
            training=TrainingPart(max_steps=STEPS, batch_size=6, max_length=64, precision="float32", evaluations=2),
        )
        return changed(recipe, options | changes)

    def _build_and_look(self, run: Run, *arguments: Any) -> Any:
        trainer = self._build(run, *arguments)
        assert self._current is not None
        self._current.before = weights(trainer.model)
        if self._stop_after:
            trainer.add_callback(StopAfter(run, self._stop_after))
        return trainer

    def _look_and_save(self, run: Run, model: Any, method: TuningMethod, *rest: Any) -> Any:
        story = self._current
        assert story is not None
        story.after = weights(model)
        story.trained = {name for name, weight in model.named_parameters() if weight.requires_grad}
        story.claimed = story.trained | set(method.state(model)) & set(story.after)
        story.logits = logits_of(model)
        return self._save(run, model, method, *rest)

    def _done(self, run: Run) -> Story:
        self._current = story = Story(run)
        train(run)
        assert run.status() is not Status.FAILED, run.ended()
        return story


class StopAfter(TrainerCallback):
    """Presses Stop in the course of a step."""

    def __init__(self, run: Run, step: int) -> None:
        self._run, self._step = run, step

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == self._step - 1:
            self._run.ask_to_stop()


def weights(model: Any) -> dict[str, torch.Tensor]:
    """A copy of every tensor of a model."""
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return {name: tensor.detach().clone() for name, tensor in tensors}


def differing(some: dict[str, torch.Tensor], others: dict[str, torch.Tensor]) -> set[str]:
    """The names of tensors that are not equal bit for bit."""
    assert some.keys() == others.keys()
    return {name for name, tensor in some.items() if not torch.equal(tensor, others[name])}


def logits_of(model: Any) -> torch.Tensor:
    """What a trained model answers, all computed in float32 as in a model that was loaded."""
    rounded = {weight: weight.data for weight in model.parameters() if weight.dtype is torch.bfloat16}
    for weight in rounded:  # TRL trains QLoRA's matrices in bfloat16, PEFT loads them in float32
        weight.data = weight.data.float()
    with torch.no_grad():
        logits = model.eval()(input_ids=torch.arange(5, 45)[None]).logits
    for weight, data in rounded.items():
        weight.data = data
    return logits


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory, pairs_file: Path) -> Iterator[Workshop]:
    with pytest.MonkeyPatch.context() as patch, one_thread():
        yield Workshop(open_home(tmp_path_factory.mktemp("every-method")), pairs_file, patch)


@pytest.fixture(scope="module")
def fresh(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """The logits of every method's result, loaded in a process of its own: {name of the run: logits}."""
    folder = tmp_path_factory.mktemp("fresh")
    paths = [str(workshop.straight(name).run.path) for name in NAMES]
    done = subprocess.run(
        [sys.executable, "-c", FRESH, str(folder), *paths], cwd=CHECKOUT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return load_file(folder / "logits.safetensors")


@pytest.fixture(scope="module")
def field_names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The ids of all components of the page."""
    blocks = page.build(Studio(open_home(tmp_path_factory.mktemp("page")), ThreadLauncher()))
    return {component.elem_id for component in blocks.blocks.values() if getattr(component, "elem_id", None)}


@pytest.mark.parametrize("name", NAMES)
def test_it_learns(workshop: Workshop, name: str) -> None:
    story = workshop.straight(name)
    assert story.run.status() is Status.FINISHED, story.run.ended()
    assert len(story.losses) == STEPS
    assert sum(story.losses[-3:]) < 0.95 * sum(story.losses[:3]), story.losses


@pytest.mark.parametrize("name", NAMES)
def test_exactly_what_it_claims_moves(workshop: Workshop, name: str) -> None:
    story = workshop.straight(name)
    assert differing(story.after, story.before) == story.claimed
    started = next(event for event in story.run.events()[0] if event.kind == "started")
    assert started.trainable_parameters == sum(story.before[each].numel() for each in story.trained)


@pytest.mark.parametrize("name", NAMES)
def test_the_result_is_of_the_kind_it_says(workshop: Workshop, name: str) -> None:
    run = workshop.straight(name).run
    assert run.result is not None
    assert run.result.name == run.ended().folder == method_named(name).keeps
    assert {"tokenizer.json", "recipe.yaml"} <= {path.name for path in run.result.iterdir()}


@pytest.mark.parametrize("name", NAMES)
def test_stopped_and_resumed_is_the_straight_run_bit_for_bit(workshop: Workshop, name: str) -> None:
    straight, resumed = workshop.straight(name), workshop.resumed(name)
    assert resumed.run.status() is Status.FINISHED
    again = ("eval_loss", STOPPED_AFTER)  # a run that is resumed begins with a held-out check
    assert [each for each in resumed.measured if each[:2] != again] == straight.measured
    assert differing(resumed.after, straight.after) == set()
    assert differing(resumed.result, straight.result) == set()


@pytest.mark.parametrize("name", NAMES)
def test_a_fresh_process_loads_what_was_trained(workshop: Workshop, fresh: dict[str, torch.Tensor], name: str) -> None:
    story = workshop.straight(name)
    loaded = fresh[story.run.name]
    if name in ROUNDED:
        assert torch.allclose(loaded, story.logits, rtol=1e-5, atol=1e-4)
    else:
        assert torch.equal(loaded, story.logits), (loaded - story.logits).abs().max()


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
def test_its_form_appears_by_itself(field_names: set[str], method: type[TuningMethod]) -> None:
    prefix = name_of(method)
    wanted = {f"{prefix}-{knob.name}".replace("_", "-") for knob in knobs(method)}
    assert wanted <= field_names, wanted - field_names
