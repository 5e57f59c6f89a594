"""Every method on the bundled starter through the real trainer: it learns, it moves what it claims and nothing else, it
can be stopped and resumed, and what it leaves is what was trained.

A new method is tested here as soon as it is in `METHODS`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

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
from studio.recipe.recipe import ModelPart, Recipe, TrainingPart
from studio.run import train as train_module
from studio.run.directory import Run, Status
from studio.run.events import that_count
from studio.run.launchers import ThreadLauncher
from studio.run.resume import resume
from studio.run.submit import submit
from studio.run.train import train
from studio.run.wish import Wish
from studio.ui import page
from studio.ui.studio import Studio
from tests.tiny_encoder import make_encoder
from tests.tiny_run import one_thread

STEPS, STOPPED_AFTER = 10, 4
RATE = 5e-3  # what LoRA wants on the starter; a method's `rate` is a multiple of it
DROPOUT = 0.05
LOSSES = ("loss", "eval_loss")
NAMES = [name_of(method) for method in METHODS]


class Case(NamedTuple):
    """A method for a task."""

    method: str
    task: str = "language-modeling"

    def __str__(self) -> str:
        return self.method if self.task == "language-modeling" else f"{self.method}, {self.task}"


OTHER_TASKS = ("sequence-classification", "masked-language-modeling")
CASES = [*map(Case, NAMES), *(Case(name, task) for task in OTHER_TASKS for name in ("lora", "full"))]
every_case = pytest.mark.parametrize("case", CASES, ids=str)
QUICK = {"lora", "qlora", "dora", "pissa", "adalora", "full", "delta-lora", "prompt-tuning", "vera"}
resumed_case = pytest.mark.parametrize(
    "case",
    [case if case.method in QUICK else pytest.param(case, marks=pytest.mark.slow) for case in CASES],  # 4 s each
    ids=str,
)

FRESH = """
import sys
from pathlib import Path
import torch
from safetensors.torch import save_file
from studio.recipe.models import fetch, locate
from studio.run.directory import Run
from studio.run.result import load_result
from studio.run.tasks.every import runner_of
from studio.run.train import precision_of
from studio.run.wish import Wish

torch.set_num_threads(1)
folder, *paths = map(Path, sys.argv[1:])
logits = {}
for path in paths:
    recipe = Run(path).recipe
    precision = precision_of(recipe)
    runner = runner_of(recipe)
    runner.begin(Run(path))
    base = runner.load(fetch(locate(recipe.model.id)), precision, recipe.method.quantization(precision.compute))
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

    def __init__(self, home: Home, pairs: Path, encoder: Path, patch: pytest.MonkeyPatch) -> None:
        self._home, self._pairs, self._encoder = home, pairs, encoder
        self._stories: dict[Case, Story] = {}
        self._current: Story | None = None
        self._stop_after = 0
        self._build, self._save = train_module.build_trainer, train_module.save_result
        patch.setattr(train_module, "build_trainer", self._build_and_look)
        patch.setattr(train_module, "save_result", self._look_and_save)

    def straight(self, case: Case) -> Story:
        """The run from its first step to its last."""
        if case not in self._stories:
            self._stories[case] = self._done(submit(self._home, self._recipe(case)))
        return self._stories[case]

    def resumed(self, case: Case) -> Story:
        """The same run, stopped on its way and gone on with."""
        run = submit(self._home, self._recipe(case))
        self._stop_after = STOPPED_AFTER
        self._done(run)
        self._stop_after = 0
        assert (run.status(), run.ended().step) == (Status.STOPPED, STOPPED_AFTER), run.ended()
        assert resume(run) == STOPPED_AFTER
        return self._done(run)

    def _recipe(self, case: Case) -> Recipe:
        method = method_named(case.method)
        options = {"method.name": case.method, "training.learning_rate": min(0.1, RATE * method.rate)}
        if "dropout" in method.model_fields:
            options["method.dropout"] = DROPOUT
        recipe = Recipe(
            model=ModelPart(id=str(self._encoder) if case.task.startswith("masked") else "starter"),
            data=DataPart(path=str(self._pairs), held_out_share=0.25),
            training=TrainingPart(max_steps=STEPS, batch_size=6, max_length=64, precision="float32", evaluations=2),
        )
        return changed(recipe, options | {"task.name": case.task})

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
            self._run.ask(Wish.STOP)


def weights(model: Any) -> dict[str, torch.Tensor]:
    """A copy of every tensor of a model."""
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return {name: tensor.detach().clone() for name, tensor in tensors}


def differing(some: dict[str, torch.Tensor], others: dict[str, torch.Tensor]) -> set[str]:
    """The names of tensors that are not equal bit for bit."""
    assert some.keys() == others.keys()
    return {name for name, tensor in some.items() if not torch.equal(tensor, others[name])}


def logits_of(model: Any) -> torch.Tensor:
    """What a trained model answers."""
    with torch.no_grad():
        return model.eval()(input_ids=torch.arange(5, 45)[None]).logits


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory, pairs_file: Path) -> Iterator[Workshop]:
    with pytest.MonkeyPatch.context() as patch, one_thread():
        encoder = make_encoder(tmp_path_factory.mktemp("encoder") / "tiny-encoder")
        yield Workshop(open_home(tmp_path_factory.mktemp("every-method")), pairs_file, encoder, patch)


@pytest.fixture(scope="module")
def fresh(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """The logits of every method's result, loaded in a process of its own: {name of the run: logits}."""
    folder = tmp_path_factory.mktemp("fresh")
    paths = [str(workshop.straight(case).run.path) for case in CASES]
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


@every_case
def test_it_learns(workshop: Workshop, case: Case) -> None:
    story = workshop.straight(case)
    assert story.run.status() is Status.FINISHED, story.run.ended()
    assert len(story.losses) == STEPS
    assert sum(story.losses[-3:]) < 0.95 * sum(story.losses[:3]), story.losses


@every_case
def test_exactly_what_it_claims_moves(workshop: Workshop, case: Case) -> None:
    story = workshop.straight(case)
    assert differing(story.after, story.before) == story.claimed
    started = next(event for event in story.run.events()[0] if event.kind == "started")
    assert started.trainable_parameters == sum(story.before[each].numel() for each in story.trained)


@every_case
def test_the_result_is_of_the_kind_it_says(workshop: Workshop, case: Case) -> None:
    run = workshop.straight(case).run
    assert run.result is not None
    assert run.result.name == run.ended().folder == method_named(case.method).keeps
    assert {"tokenizer.json", "recipe.yaml"} <= {path.name for path in run.result.iterdir()}


@resumed_case
def test_stopped_and_resumed_is_the_straight_run_bit_for_bit(workshop: Workshop, case: Case) -> None:
    straight, resumed = workshop.straight(case), workshop.resumed(case)
    assert resumed.run.status() is Status.FINISHED
    again = ("eval_loss", STOPPED_AFTER)  # a run that is resumed begins with a held-out check
    assert [each for each in resumed.measured if each[:2] != again] == straight.measured
    assert differing(resumed.after, straight.after) == set()
    assert differing(resumed.result, straight.result) == set()


@every_case
def test_a_fresh_process_loads_what_was_trained(workshop: Workshop, fresh: dict[str, torch.Tensor], case: Case) -> None:
    story = workshop.straight(case)
    loaded = fresh[story.run.name]
    apart = (loaded - story.logits).abs().max() / story.logits.abs().max()
    assert apart <= (1e-5 if case.method in ROUNDED else 0.0)


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
def test_its_form_appears_by_itself(field_names: set[str], method: type[TuningMethod]) -> None:
    prefix = name_of(method)
    wanted = {f"{prefix}-{knob.name}".replace("_", "-") for knob in knobs(method)}
    assert wanted <= field_names, wanted - field_names
