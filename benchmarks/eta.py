"""The time forecast of the live view against the time that real runs then took: its error after 5, 10, 20 … steps.

Runs of the starter; the forecast is computed from the run's own events as the page computes it. `--cpu` counts the CPU
seconds of one thread in place of the clock, for a machine that is busy with other things.
    python benchmarks/eta.py [--cpu] [--keep tests/run/step_times.json]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from machine import describe_machine

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from studio.home import open_home  # noqa: E402
from studio.progress import Progress  # noqa: E402
from studio.recipe.presets import preset_named  # noqa: E402
from studio.recipe.read import changed  # noqa: E402
from studio.run.directory import Run  # noqa: E402
from studio.run.events import AnyEvent, Event, EventWriter, Metrics, Phase, Started  # noqa: E402
from studio.run.submit import submit  # noqa: E402

LOOKED_AT = {"loss", "eval_loss", "check_seconds"}
AFTER = (5, 10, 20, 40)  # steps
RECIPES: dict[str, dict[str, object]] = {
    "LoRA": {"training.max_steps": 100},
    "batches of 4, a check every 10": {
        "training.batch_size": 4,
        "training.max_steps": 100,
        "training.evaluations": 10,
    },
    "grouped by length": {"training.group_by_length": True, "training.max_steps": 80, "training.evaluations": 2},
}


def by_the_clock(home: Path, changes: dict[str, object]) -> list[AnyEvent]:
    """The events of one run from the command line, a process of its own."""
    sets = [word for key, value in changes.items() for word in ("--set", f"{key}={json.dumps(value)}")]
    command = [sys.executable, "-m", "studio", "train", "starter", "--home", str(home), "--json", *sets]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return Run(Path(json.loads(done.stdout)["folder"])).events()[0]


def by_cpu_seconds(home: Path, changes: dict[str, object]) -> list[AnyEvent]:
    """The events of one run in this process, their times in the CPU seconds that it has used, on one thread."""
    import torch

    from studio.run import recorder
    from studio.run.train import train

    torch.set_num_threads(1)
    write, clock = EventWriter.write, recorder.time

    def write_timed(self: EventWriter, event: Event) -> None:
        write(self, event.model_copy(update={"time": time.process_time()}))

    EventWriter.write = write_timed  # type: ignore[method-assign]
    recorder.time = SimpleNamespace(perf_counter=time.process_time)
    try:
        run = submit(open_home(home), changed(preset_named("starter").recipe, changes))
        train(run)
    finally:
        EventWriter.write = write  # type: ignore[method-assign]
        recorder.time = clock
    return run.events()[0]


def errors(events: list[AnyEvent]) -> dict[int, float]:
    """By steps done: how far the forecast of the whole time was off, as a share of it, from the first event on."""
    whole = [event for event in events if isinstance(event, Metrics)][-1].time - events[0].time
    found = {}
    for step in AFTER:
        done = next((at for at, event in enumerate(events) if event.step == step and isinstance(event, Metrics)), None)
        left = Progress().after(events[: done + 1]).time_left(events[done].time) if done else None
        if done and left:
            found[step] = (events[done].time - events[0].time + left[0]) / whole - 1
    return found


def brief(events: list[AnyEvent]) -> list[dict[str, Any]]:
    """What the forecast looks at: times from 1 second on, and of the numbers those that tell a step from a check."""
    kept = [event for event in events if isinstance(event, Metrics | Phase | Started)]
    found = [event.model_dump(mode="json") for event in kept]
    for event in found:
        event["time"] = round(event["time"] - kept[0].time + 1, 3)
        if "values" in event:
            event["values"] = {key: round(value, 3) for key, value in event["values"].items() if key in LOOKED_AT}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cpu", action="store_true", help="CPU seconds of one thread, not the clock")
    parser.add_argument("--keep", type=Path, help="write the runs' times here, for the test of the forecast")
    arguments = parser.parse_args()
    print(describe_machine())
    kept = {}
    with tempfile.TemporaryDirectory() as home:
        for name, changes in RECIPES.items():
            events = (by_cpu_seconds if arguments.cpu else by_the_clock)(Path(home), changes)
            told = ", ".join(f"{step}: {error:+.1%}" for step, error in errors(events).items())
            print(f"{name}: {events[-1].time - events[0].time:.0f} s; error of the whole time after steps {told}")
            kept[name] = brief(events)
    if arguments.keep:
        arguments.keep.write_text(json.dumps(kept, separators=(",", ":")) + "\n", "utf-8")


if __name__ == "__main__":
    main()
