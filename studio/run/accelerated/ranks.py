"""Which of the processes that do a run together this one is, and what they agree on.

A process that does a run alone is the first of one, so that nobody has to ask whether there are several.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")
LOOK = 0.5  # seconds between looks at whether the launcher lives
DIED_WITH_LAUNCHER = 1


@dataclass(frozen=True)
class Rank:
    """One of the processes that do a run: its number among `of`, and its number on its own machine."""

    number: int = 0
    local: int = 0
    of: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the one that writes events, checkpoints and results."""
        return self.number == 0


def this_rank() -> Rank:
    """What torch's launcher says that this process is."""
    number, local, of = (int(os.environ.get(name) or usual) for name, usual in _VARIABLES)
    return Rank(number, local, of)


_VARIABLES = (("RANK", 0), ("LOCAL_RANK", 0), ("WORLD_SIZE", 1))


def is_sharded() -> bool:
    """Whether the model is cut up among the processes, so that none of them may put it on its GPU whole."""
    return any(os.environ.get(name, "").lower() == "true" for name in _SHARDED)


_SHARDED = ("ACCELERATE_USE_FSDP", "ACCELERATE_USE_DEEPSPEED")


def join() -> None:
    """Meet the others: from here on they can agree. Gloo connects processors, NCCL GPUs, as accelerate chooses."""
    import torch
    from accelerate import PartialState

    PartialState(cpu=not torch.cuda.is_available())


def agreed(value: T) -> T:
    """What the first process has for `value`: all get the same. To be called by all of them at the same place."""
    if this_rank().of == 1:
        return value
    import torch

    values = [value if this_rank().first else None]
    torch.distributed.broadcast_object_list(values, src=0)
    return values[0]  # type: ignore[return-value]


def of_first(make: Callable[[], T]) -> T:
    """What `make` gives in the first process, for all; it is called in no other."""
    return agreed(make() if this_rank().first else None)  # type: ignore[arg-type, return-value]


def wait_for_all() -> None:
    """Return when every process has come here."""
    if this_rank().of > 1:
        import torch

        torch.distributed.barrier()


@contextmanager
def all_or_none() -> Iterator[None]:
    """What is inside succeeds in every process, or raises in every one: where it failed in another, in its words.

    So that none goes on with its steps while another stopped half way, and they wait for each other for ever.
    """
    error: Exception | None = None
    try:
        yield
    except Exception as raised:
        error = raised
    for number, words in _told_by_all(error):
        if error is None and words:
            error = OSError(number, words) if number else RuntimeError(words)
    if error is not None:
        raise error


def _told_by_all(error: Exception | None) -> list[tuple[int, str]]:
    """What went wrong in each process: the system's number of the error, and words; empty ones where nothing did."""
    of = this_rank().of
    if of == 1:
        return []
    import torch

    told: list[Any] = [None] * of
    mine = (getattr(error, "errno", None) or 0, str(error) or type(error).__name__) if error else (0, "")
    torch.distributed.all_gather_object(told, mine)
    return told


@contextmanager
def first_on_this_machine() -> Iterator[None]:
    """The first process of each machine does what is inside before the others do, who then find it done."""
    waits = this_rank().local > 0
    if waits:
        wait_for_all()
    try:
        yield
    finally:
        if not waits:
            wait_for_all()


def end_with_launcher() -> None:
    """End this process when the one that started it is gone: torch puts each into a session of its own, so that a
    signal to the launcher's does not reach it."""
    launcher = os.getppid()

    def look() -> None:
        while os.getppid() == launcher:
            time.sleep(LOOK)
        os._exit(DIED_WITH_LAUNCHER)

    threading.Thread(target=look, name="look at the launcher", daemon=True).start()
