"""Waiting for a run to end on the command line, doing it there unless an open studio does."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from typing import TYPE_CHECKING, Any

from studio.errors import StudioError
from studio.run.wish import Wish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from studio.home import Home
    from studio.run.directory import Run
    from studio.run.launchers import Launcher

TICK = 0.5  # seconds between looks at the run


def add_launcher(verb: argparse.ArgumentParser) -> None:
    """Let a verb say where it trains."""
    verb.add_argument("--launcher", choices=("process", "thread"), default="process", help="where it trains")


def launcher_of(options: argparse.Namespace, home: Home) -> Launcher:
    """Where the options want it trained."""
    from studio.run.launchers import ProcessLauncher, ThreadLauncher

    return ThreadLauncher() if options.launcher == "thread" else ProcessLauncher(home)


@contextlib.contextmanager
def warmed(launcher: Launcher) -> Iterator[Launcher]:
    """A launcher that gets ready meanwhile."""
    from studio.run.devices import devices

    launcher.warm(tuple(devices()[:1]))
    try:
        yield launcher
    finally:
        launcher.close()


def see_through(
    home: Home, run: Run, options: argparse.Namespace, launcher: Launcher | None = None, cursor: int = 0
) -> int:
    """Wait for a run in the queue, show its progress from byte `cursor` of its events on, and print what came of it.
    A `launcher` that is ready is used.

    Raises:
        StudioError: it failed.
    """
    with contextlib.redirect_stdout(sys.stderr):  # what a training thread prints is not the answer
        ended_well = _watch(home, run, launcher or launcher_of(options, home), cursor)
    if options.json:
        print(json.dumps(_result(run)))
    else:
        print(run.path)
    if not ended_well:
        ended = run.ended()
        raise StudioError(ended.message if ended else f"The trainer of {run.name} vanished; see {run.log_path}.")
    return 0


def _watch(home: Home, run: Run, launcher: Launcher, cursor: int) -> bool:
    """Whether it ended well."""
    from studio.run.directory import Status
    from studio.run.queue import Queue

    queue = Queue(home, launcher, spare=False)
    queue.start()
    try:
        while not (status := run.status()).over:
            cursor = _report(run, cursor)
            time.sleep(TICK)
        _report(run, cursor)
    except KeyboardInterrupt:
        run.ask(Wish.STOP)
        print("Stopping at the next step; what was learned is kept.", file=sys.stderr)
        while not (status := run.status()).over:
            time.sleep(TICK)
    finally:
        queue.close()
    return status in {Status.FINISHED, Status.STOPPED, Status.PAUSED}


def _report(run: Run, cursor: int) -> int:
    """Print what is new to standard error."""
    events, cursor = run.events(cursor)
    for event in events:
        if line := _line(event):
            print(line, file=sys.stderr, flush=True)
    return cursor


def _line(event: Any) -> str:
    match event.kind:
        case "phase":
            return f"{event.phase} ..."
        case "decision":
            return f"  {event.choice}: {event.reason}"
        case "warning":
            return f"  warning: {event.message}"
        case "started":
            return f"  {event.rows} rows, {event.steps} steps, {event.trainable_parameters:,} weights to train"
        case "metrics" if "eval_loss" in event.values:
            return f"  step {event.step}: held-out loss {event.values['eval_loss']:.4f}"
        case "metrics" if "loss" in event.values and event.step % 10 == 0:
            return f"  step {event.step}: loss {event.values['loss']:.4f}"
        case _:
            return ""


def _result(run: Run) -> dict[str, Any]:
    from studio.run.events import that_count

    metrics = [event for event in that_count(run.events()[0]) if event.kind == "metrics"]
    speeds = [event.values["tokens_per_second"] for event in metrics if "tokens_per_second" in event.values]
    return {
        "run": run.name,
        "folder": str(run.path),
        "status": run.status().value,
        "train_loss": [[event.step, event.values["loss"]] for event in metrics if "loss" in event.values],
        "eval_loss": [[event.step, event.values["eval_loss"]] for event in metrics if "eval_loss" in event.values],
        "tokens_per_second": sum(speeds) / len(speeds) if speeds else 0.0,
    }
