"""Two real steps with the run's own loading, method and trainer, and what they took."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from transformers import TrainerCallback

from studio.data.dataset import Prepared
from studio.home import Home
from studio.recipe.read import changed
from studio.recipe.recipe import Recipe
from studio.run import train
from studio.run.directory import Run, write_run
from studio.run.events import EventWriter
from studio.run.recorder import Recorder
from studio.run.study.tokens import Tell
from studio.run.tasks.every import runner_of
from studio.run.tasks.runner import Rows

STEPS = 2  # the first makes the optimiser's state, the second needs it
STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Took:
    """The most memory in bytes that the process held (on a GPU: that its tensors held there), seconds of the second
    step, the rows of a batch and the tokens of the longest, and how many training rows there are."""

    peak_bytes: int
    step_seconds: float
    batch: int
    longest: int
    rows: int


def two_steps(recipe: Recipe, prepared: Prepared, home: Home, tell: Tell) -> Took:
    """Train for two steps on the longest rows; nothing is kept.

    Raises:
        StudioError: the run could not be done either. Memory exhaustion is left as it is.
    """
    with _run(recipe, prepared, home) as run, EventWriter(run.events_path) as events:
        runner = runner_of(run.recipe)
        runner.begin(run)
        tell("Loading the base model", 0, 0)
        base = train.load_base(run.recipe, runner, events)
        tell("Looking for the longest rows", 0, 0)
        whole = runner.rows(run, "train", base.tokenizer, events)
        held_out = runner.rows(run, "held_out", base.tokenizer, events)
        training = run.recipe.training
        batch = min(training.batch_size, len(whole))
        rows = (_longest(whole, batch * training.gradient_accumulation * STEPS), _longest(held_out, batch))
        trainer = train.build_trainer(run, runner, base, rows, Recorder(run, events))
        clock = Clock(tell)
        trainer.add_callback(clock)
        trainer.train()
        longest = int(rows[0].lengths[0])
        return Took(peak_bytes(), clock.seconds, batch, longest, len(whole))


def peak_bytes() -> int:
    """The most memory that this process has held: on the GPU where there is one, else all of it."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    if STATUS.exists():
        line = next(line for line in STATUS.read_text("utf-8").splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return int(psutil.Process().memory_info().rss)


class Clock(TrainerCallback):  # type: ignore[misc]
    """Times the last step, which nothing is warming up in any more."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._began = 0.0
        self.seconds = 0.0

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._tell("Real steps on the longest rows", state.global_step + 1, STEPS)
        self._began = time.perf_counter()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.seconds = time.perf_counter() - self._began


@contextmanager
def _run(recipe: Recipe, prepared: Prepared, home: Home) -> Iterator[Run]:
    """A run of two steps that no queue sees, in the home whose cache it uses; it goes when the block ends."""
    short = {"training.max_steps": STEPS, "training.save_steps": 0, "training.early_stopping": 0}
    short |= {
        "looks.enabled": False,
        "training.keep_best": False,
        "training.evaluations": min(1, recipe.training.evaluations),
    }
    folder = Path(tempfile.mkdtemp(prefix=f".rehearsal-{os.getpid()}-", dir=home.runs))
    try:
        write_run(folder, changed(recipe, short), prepared)
        yield Run(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _longest(rows: Rows, count: int) -> Rows:
    """The longest row, so many times: a batch is as wide as its longest row, whatever the others are."""
    if not len(rows):
        return rows
    place = int(np.argmax(rows.lengths))
    return Rows(rows.dataset.select([place] * count), rows.keeps)
