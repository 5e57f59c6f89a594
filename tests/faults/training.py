"""Trainings over the tiny base that something happens to, and what is compared of them afterwards."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from transformers import TrainerCallback

from studio.run import train as train_module
from studio.run.directory import Run, Status
from studio.run.events import AnyEvent, that_count
from studio.run.train import train

OPTIONS = {
    "method.dropout": 0.2,
    "training.max_steps": 8,
    "training.batch_size": 2,
    "training.gradient_accumulation": 3,
    "training.save_steps": 2,
    "training.saves_kept": 2,
    "training.evaluations": 2,
}
"""Eight steps of three batches, three of them an epoch; checkpoints after each second, checks of three batches after
each fourth."""
COMPARED = ("loss", "eval_loss", "grad_norm", "learning_rate", "num_tokens")


class At(TrainerCallback):
    """Does something at a moment of the trainer, such as `on_step_begin`, when so many steps are done."""

    def __init__(self, moment: str, step: int, do: Callable[[], None]) -> None:
        self._step, self._do = step, do
        setattr(self, moment, self._look)

    def _look(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == self._step:
            self._do()


def at(patch: pytest.MonkeyPatch, moment: str, step: int, do: Callable[[], None]) -> None:
    """Have `do` called at that moment of the next training."""
    build = train_module.build_trainer

    def build_and_add(*arguments: Any) -> Any:
        trainer = build(*arguments)
        trainer.add_callback(At(moment, step, do))
        return trainer

    patch.setattr(train_module, "build_trainer", build_and_add)


def when_called(patch: pytest.MonkeyPatch, module: Any, name: str, time: int, do: Callable[[], None]) -> None:
    """Have `do` called while a function is called for the time that is given, before it does its work."""
    before, left = getattr(module, name), [time]

    def call(*arguments: Any, **options: Any) -> Any:
        left[0] -= 1
        if not left[0]:
            do()
        return before(*arguments, **options)

    patch.setattr(module, name, call)


def die() -> None:
    """kill -9 of this process."""
    os.kill(os.getpid(), signal.SIGKILL)


def killed(run: Run, prepare: Callable[[pytest.MonkeyPatch], None]) -> None:
    """Train in a process of its own that kills itself at the point that `prepare` sets up."""
    child = os.fork()
    if child == 0:
        try:
            prepare(pytest.MonkeyPatch())
            train(run)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the point was never reached"
    assert run.status() is Status.LOST


def counting(run: Run) -> list[AnyEvent]:
    return that_count(run.events()[0])


def measured(run: Run) -> list[tuple[str, int, float]]:
    """All numbers that must not depend on interruptions, in the order in which they were written."""
    metrics = [event for event in counting(run) if event.kind == "metrics"]
    return [(key, event.step, event.values[key]) for event in metrics for key in COMPARED if key in event.values]


def adapter_bytes(run: Run) -> bytes:
    return (run.adapter / "adapter_model.safetensors").read_bytes()


def warnings(run: Run, cause: str) -> list[str]:
    return [event.message for event in counting(run) if event.kind == "warning" and event.cause == cause]
