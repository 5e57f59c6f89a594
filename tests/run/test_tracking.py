"""A tracker gets the curves, writes into the run's folder, and its keys are in no file of the run."""

from __future__ import annotations

import os
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from studio.recipe.read import changed
from studio.run.directory import Status
from studio.run.tracking import place_tracker
from studio.run.train import train
from tests.tiny_run import one_thread

KEY = "a key that nobody may read"


class Writer:
    """Stands in for TensorBoard's writer: notes what it is told, in files."""

    def __init__(self, log_dir: str) -> None:
        self._folder = Path(log_dir)
        self._folder.mkdir()

    def add_scalar(self, name: str, value: float, step: int) -> None:
        with (self._folder / "scalars").open("a") as file:
            file.write(f"{name} {step} {value}\n")

    def add_text(self, name: str, text: str, *_: object) -> None:
        (self._folder / f"{name}.txt").write_text(text)

    def flush(self) -> None:
        pass

    close = flush


@pytest.fixture
def tensorboard(monkeypatch):
    """A package of that name, without the package."""
    for name in ("tensorboardX",):
        module = types.ModuleType(name)
        module.__spec__ = ModuleSpec(name, None)
        module.SummaryWriter = Writer
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    monkeypatch.delenv("TENSORBOARD_LOGGING_DIR", raising=False)
    monkeypatch.setattr(os, "environ", os.environ.copy())


def test_a_tracker_gets_what_the_studio_draws(make_run, tensorboard, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    run = make_run({"training.tracker": "tensorboard", "training.max_steps": 3, "training.evaluations": 1})
    with one_thread():
        train(run)
    assert run.status() is Status.FINISHED, run.ended()
    lines = (run.path / "tracker" / "scalars").read_text().splitlines()
    told = [float(line.split()[2]) for line in lines if line.startswith("train/loss ")]
    metrics = [event.values for event in run.events()[0] if event.kind == "metrics"]
    assert told == pytest.approx([values["loss"] for values in metrics if "loss" in values])
    assert any(line.startswith("eval/loss ") for line in lines)
    files = [path for path in run.path.rglob("*") if path.is_file()]
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


@pytest.mark.parametrize("name", ["none", "trackio"])
def test_without_one_nothing_is_said_to_anybody(name, make_run, monkeypatch):
    monkeypatch.setattr(os, "environ", os.environ.copy())
    before, run = dict(os.environ), make_run()
    place_tracker(run, changed(run.recipe, {"training.tracker": name}))
    assert dict(os.environ) == before
    assert not (run.path / "tracker").exists()


def test_files_go_into_the_runs_folder_and_a_server_of_ones_own_stays(make_run, monkeypatch):
    monkeypatch.setattr(os, "environ", {"MLFLOW_TRACKING_URI": "http://ours:5000"})
    run = make_run()
    for name in ("mlflow", "wandb"):
        place_tracker(run, changed(run.recipe, {"training.tracker": name}))
    assert os.environ["MLFLOW_TRACKING_URI"] == "http://ours:5000"
    assert os.environ["WANDB_DIR"] == str(run.path / "tracker")
    del os.environ["MLFLOW_TRACKING_URI"]
    place_tracker(run, changed(run.recipe, {"training.tracker": "mlflow"}))
    assert os.environ["MLFLOW_TRACKING_URI"] == (run.path / "tracker").as_uri()
