"""F11, as the trainer sees it: memory runs out, on the machine and on a GPU. The page's side is elsewhere."""

from __future__ import annotations

import os
import resource
from typing import Any

import psutil
import pytest
import torch

from studio.recipe.ways_out import ways_out
from studio.run.directory import Run, Status
from studio.run.manifest import flaw
from studio.run.tasks import language_modeling
from studio.run.train import train
from tests.faults.training import OPTIONS, measured

pytestmark = pytest.mark.usefixtures("one_thread")

ROOM, WANTED = 64 * 2**20, 2**30  # bytes


def real() -> None:
    """An allocation beyond the limit of the process."""
    limit = psutil.Process().memory_info().vms + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    torch.empty(WANTED, dtype=torch.uint8)


def on_a_gpu() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def in_python() -> None:
    raise MemoryError


@pytest.mark.parametrize("exhaust", [real, on_a_gpu, in_python], ids=lambda exhaust: exhaust.__name__)
def test_it_fails_with_words_and_buttons_and_its_last_checkpoint(exhaust, make_run, monkeypatch):
    class Greedy(language_modeling.Tuner):
        def training_step(self, *arguments: Any, **options: Any) -> Any:
            if self.state.global_step == 3:
                exhaust()
            return super().training_step(*arguments, **options)

    run: Run = make_run(OPTIONS)
    child = os.fork()  # a limit is for good
    if child == 0:
        try:
            monkeypatch.setattr(language_modeling, "Tuner", Greedy)
            train(run)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    ended = run.ended()
    assert run.status() is Status.FAILED, ended
    assert (ended.cause, ended.step) == ("memory", 3)
    assert "Lower the batch size" in ended.message
    assert "The checkpoint of step 2 is kept" in ended.message
    assert "accumulated" in ways_out(ended.cause, run.recipe)[0].label
    assert [flaw(path, run) for path in run.checkpoints()] == [""]
    assert {step for _, step, _ in measured(run)} == {0, 1, 2, 3}
