"""Small bases and rows for each task, and runs done over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import TrainerCallback

from studio.data.part import DataPart
from studio.home import Home
from studio.recipe.read import changed
from studio.recipe.recipe import ModelPart, Recipe, TrainingPart
from studio.run import train as train_module
from studio.run.directory import Run
from studio.run.resume import resume
from studio.run.row_losses.record import records
from studio.run.submit import submit
from studio.run.tasks.every import runner_of
from studio.run.train import train
from studio.run.wish import Wish
from tests.tiny_encoder import make_encoder
from tests.tiny_run import one_thread

ROWS = 48


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("models") / "tiny-encoder")


@pytest.fixture(scope="session")
def labelled_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts of three classes, one of them rare, that differ in more than half of their letters."""
    words = ("sunny", "sunny", "rainy", "sunny", "rainy", "FOGGY")
    rows = [f"{n} {words[n % 6] * 2},{words[n % 6][:-1].lower()}" for n in range(ROWS)]
    path = tmp_path_factory.mktemp("data") / "weather.csv"
    path.write_text("\n".join(["text,label", *rows]) + "\n", "utf-8")
    return path


@pytest.fixture(scope="session")
def texts_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Plain texts, each a line of its own."""
    path = tmp_path_factory.mktemp("data") / "counting.jsonl"
    path.write_text("".join(f'{{"text": "{n} comes after {n - 1}, as is known"}}\n' for n in range(ROWS)), "utf-8")
    return path


@dataclass
class Story:
    """A run as it went, and its model as it was after the last step."""

    run: Run
    model: Any = None

    @property
    def reason(self) -> str:
        return str(self.run.ended().message)

    def measured(self, name: str) -> list[float]:
        events = self.run.events()[0]
        return [event.values[name] for event in events if event.kind == "metrics" and name in event.values]

    def said(self, kind: str) -> list[str]:
        """Choices or warnings."""
        events = self.run.events()[0]
        return [getattr(event, "choice", "") or getattr(event, "message", "") for event in events if event.kind == kind]

    def of_rows(self) -> list[float]:
        """The loss of each step as the kept losses of its rows give it."""
        found = np.array(records(self.run.path / "row_losses-0.records"))
        some = [found[found["step"] == step] for step in np.unique(found["step"])]
        return [float(np.average(each["loss"], weights=each["tokens"])) for each in some]

    def loaded_base(self) -> Any:
        recipe = self.run.recipe
        runner = runner_of(recipe)
        runner.begin(self.run)
        precision = train_module.precision_of(recipe)
        return runner.load(Path(recipe.model.id), precision, recipe.method.quantization(precision.compute))


class StopAfter(TrainerCallback):
    """Presses Stop in the course of a step."""

    def __init__(self, run: Run, step: int) -> None:
        self._run, self._step = run, step

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == self._step - 1:
            self._run.ask(Wish.STOP)


Done = Callable[..., Story]


@pytest.fixture
def done(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Done]:
    """`done(base, file, {"task.name": ...}, stop_after=3)`: a run that was trained, and resumed if it was stopped."""
    stories: list[Story] = []
    build, stops = train_module.build_trainer, []

    def build_and_watch(run: Run, *arguments: Any) -> Any:
        trainer = build(run, *arguments)
        stories[-1].model = trainer.model
        if stops:
            trainer.add_callback(StopAfter(run, stops.pop()))
        return trainer

    monkeypatch.setattr(train_module, "build_trainer", build_and_watch)

    def make(base: Path, data: Path, changes: dict[str, object], stop_after: int = 0) -> Story:
        run = submit(home, recipe_of(base, data, changes))
        stories.append(Story(run))
        if stop_after:
            stops.append(stop_after)
            train(run)
            assert resume(run) == stop_after
        train(run)
        return stories[-1]

    with one_thread():
        yield make


def recipe_of(base: Path, data: Path, changes: dict[str, object]) -> Recipe:
    recipe = Recipe(
        model=ModelPart(id=str(base)),
        data=DataPart(path=str(data), held_out_share=0.25),
        training=TrainingPart(
            learning_rate=1e-2, epochs=3, batch_size=8, max_length=64, precision="float32", evaluations=2
        ),
    )
    return changed(recipe, changes)


def logits_of(model: Any) -> torch.Tensor:
    ids = torch.arange(5, 45).reshape(2, 20)
    with torch.no_grad():
        return model.eval()(input_ids=ids).logits
